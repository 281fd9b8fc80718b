/** No connection could be had: nothing was sent. */
export class NeverConnected extends Error {
  /** What dialects read it by; the driver's own error may say less, and may have no code at all. */
  readonly code = 'ECONNREFUSED'

  constructor(cause: unknown) {
    super(`no connection could be opened: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'NeverConnected'
  }
}
