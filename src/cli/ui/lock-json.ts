import type { LockInfo } from '../../index.ts'

/** A lock as the page gets it. Moments are milliseconds since the epoch, by the database's clock. */
export interface LockJson {
  readonly key: string
  readonly isHeld: boolean
  readonly heldBy: string | null
  readonly token: number
  readonly acquiredAtMs: number | null
  readonly expiresAtMs: number | null
  readonly renewals: number
  readonly isWanted: boolean
  /** When somebody was first seen waiting; `null`: nobody waits. */
  readonly wantedSinceMs: number | null
}

export function lockJson(lock: LockInfo, wantedSinceMs: number | undefined): LockJson {
  const { key, isHeld, heldBy, token, acquiredAt, expiresAt, renewals, isWanted } = lock
  const moments = { acquiredAtMs: acquiredAt?.getTime() ?? null, expiresAtMs: expiresAt?.getTime() ?? null }
  return { key, isHeld, heldBy, token, ...moments, renewals, isWanted, wantedSinceMs: wantedSinceMs ?? null }
}
