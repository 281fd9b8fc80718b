import { connect } from '../places/connect.ts'
import type { ServerName } from './bench-server.ts'

const POSTGRES_SETTINGS = [
  ...['fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'commit_delay', 'shared_buffers'],
  ...['max_wal_size', 'checkpoint_timeout', 'autovacuum', 'max_connections', 'shared_preload_libraries'],
]

const MYSQL_SETTINGS = [
  ...['innodb_flush_log_at_trx_commit', 'innodb_doublewrite', 'innodb_flush_method', 'innodb_buffer_pool_size'],
  ...['log_bin', 'sync_binlog', 'transaction_isolation', 'tx_isolation', 'performance_schema', 'max_connections'],
]

/** What the server says of itself. */
export async function serverSettings(name: ServerName, url: string): Promise<Record<string, string>> {
  if (name === 'redis') return { save: 'never', appendonly: 'no' }
  await using server = await connect(url)
  const rows =
    name === 'postgres'
      ? await server.send(
          `select name, current_setting(name) as value from pg_settings where name in (${quoted(POSTGRES_SETTINGS)})`,
        )
      : (await server.send(`show global variables where Variable_name in (${quoted(MYSQL_SETTINGS)})`)).map((row) => ({
          name: row.Variable_name,
          value: row.Value,
        }))
  return Object.fromEntries(rows.map((row) => [String(row.name), String(row.value)]))
}

/** Whether these settings keep every commit that was answered, also when the machine loses its power. */
export function isDurable(name: ServerName, settings: Readonly<Record<string, string>>): boolean {
  if (name === 'redis') return false
  if (name === 'postgres') {
    return settings.fsync === 'on' && settings.full_page_writes === 'on' && settings.synchronous_commit !== 'off'
  }
  return settings.innodb_flush_log_at_trx_commit === '1' && settings.innodb_doublewrite !== 'OFF'
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}
