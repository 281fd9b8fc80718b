import type { StartedServer } from '../../test/servers/started-server.ts'

/** The servers that are measured. */
export const SERVER_NAMES = ['postgres', 'mysql', 'mariadb', 'redis'] as const

export type ServerName = (typeof SERVER_NAMES)[number]

/** A server, with the settings that decide how fast it can be. */
export interface BenchServer extends StartedServer {
  readonly name: ServerName
  /** As the server itself tells them. */
  readonly settings: Readonly<Record<string, string>>
  /** Whether what was committed outlives a crash of the machine. Never true of our Redis. */
  readonly isDurable: boolean
}
