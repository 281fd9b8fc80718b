import type { NamedServer } from './start-servers.ts'

/** What test files learn of a server. They run in other processes, so it is data only. */
export type ProvidedServer = Pick<NamedServer, 'name' | 'url' | 'version'>

declare module 'vitest' {
  export interface ProvidedContext {
    servers: ProvidedServer[]
  }
}
