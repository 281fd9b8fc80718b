import type { PeerName } from '../peers/peers.ts'

/** The first thing that a process of the benchmark is told. */
export interface Opening {
  readonly peer: PeerName
  readonly url: string
  readonly poolSize: number
  readonly tableName: string | undefined
}

/** Whose keys the callers use: caller `n` of `m` those whose number is `n` more than a multiple of `m`, so that they never meet. */
export interface Keys {
  readonly prefix: string
  /** Left out: one for each caller. */
  readonly count?: number
  /** In no order, instead of one after the other. */
  readonly isRandom?: boolean
}

/** What a process is to do. It does one thing at a time. */
export type Order =
  /** So many callers, each in a loop: take a lock, give it back. */
  | {
      readonly kind: 'pairs'
      readonly callers: number
      readonly keys: Keys
      readonly warmUpMs: number
      readonly measureMs: number
    }
  /** So many callers, each in a loop: one try for a key that somebody else has. */
  | {
      readonly kind: 'refused'
      readonly callers: number
      readonly key: string
      readonly warmUpMs: number
      readonly measureMs: number
    }
  /** Takes so many keys, and keeps them. */
  | { readonly kind: 'hold'; readonly prefix: string; readonly count: number; readonly ttlMs: number }
  /** Tries for so many keys, those that were refused again and again, until it has them all or the time is over. */
  | {
      readonly kind: 'seize'
      readonly prefix: string
      readonly count: number
      readonly originNs: string
      readonly patienceMs: number
    }

/** What came of it. */
export interface Done {
  /** Within the measured time. */
  readonly operations: number
  /** With those before and after it: what the server has counted, it has counted of all. */
  readonly allOperations: number
  readonly seconds: number
  /** From the beginning to the end, for all operations. */
  readonly cpuMs: number
  /** Of taking (or of the refusal), of releasing, and of both: encoded. */
  readonly latency: { readonly take: string; readonly release: string; readonly both: string }
  /** When each key was had, milliseconds since the origin: of `seize` only. */
  readonly seizedMs: readonly number[]
}

export type Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly done: Done }
  | { readonly kind: 'failed'; readonly reason: string; readonly isNotRun: boolean }
