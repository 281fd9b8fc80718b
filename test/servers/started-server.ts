export interface StartedServer {
  url: string
  version: string
  /** How it was obtained, for the line printed before the tests. */
  source: string
  stop(): Promise<void>
}
