import { printable } from './output/printable.ts'

/** Who holds a lock, out of what the table says of it. */
export interface Holder {
  /** As the library calls a process without a label: `host:pid`. */
  readonly host: string | null
  readonly pid: number | null
  readonly label: string | null
}

/** Takes it apart. */
export function holderOf(heldBy: string | null): Holder {
  const [, host, pid] = /^(.+):(\d+)$/s.exec(heldBy ?? '') ?? []
  if (host === undefined) return { host: null, pid: null, label: heldBy }
  return { host, pid: Number(pid), label: null }
}

/** For a sentence or a table. */
export function holderText(heldBy: string | null): string {
  return heldBy === null ? 'somebody without a name' : printable(heldBy)
}
