/** What the library tells of one key. */
export interface LockInfo {
  readonly key: string
  readonly isHeld: boolean
  readonly heldBy: string | null
  readonly token: number
  readonly acquiredAt: Date | null
  readonly heldMs: number | null
  readonly expiresAt: Date | null
  readonly remainingMs: number | null
  readonly renewals: number
  readonly isWanted: boolean
}

/** Who can be asked for the locks, page by page: a `LockFactory`. */
export interface LockLister {
  list(options: {
    prefix?: string
    state?: 'held' | 'all'
    limit?: number
    after?: string
  }): Promise<{ locks: readonly LockInfo[]; nextAfter: string | null }>
}
