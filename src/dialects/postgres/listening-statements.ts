import type { Statement } from '../../statement.ts'

/** What is said to hear of releases. Values, where there are any: the channel, then the payload. */
export interface ListeningStatements {
  readonly listen: Spoken
  readonly unlisten: Spoken
  /** One row, if this session still listens: `discard all` ends that silently. */
  readonly check: Spoken
  /**
   * Lets the server find out that we are gone, so that a session of a vanished machine does not stay for hours; and keeps it from ending
   * ours for hearing nothing, which `idle_session_timeout` would (Postgres 14).
   */
  readonly keepAlive: Spoken
  /** What a release says; here with a payload that only we know. */
  readonly probe: Spoken
}

type Spoken = Pick<Statement, 'sql'>

/** @param channel the plain name of the table: releases notify that, whatever schema the table is in */
export function listeningStatements(channel: string): ListeningStatements {
  const id = `"${channel.replaceAll('"', '""')}"`
  return {
    listen: { sql: `listen ${id}` },
    unlisten: { sql: `unlisten ${id}` },
    check: { sql: 'select channel from pg_listening_channels() as channel where channel = $1' },
    keepAlive: {
      sql: `select set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
  set_config('tcp_keepalives_count', '3', false), set_config('idle_session_timeout', '0', false)`,
    },
    probe: { sql: 'select pg_notify($1, $2)' },
  }
}
