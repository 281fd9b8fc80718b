import { StoreTrouble } from '../store-trouble.ts'

/** The database's way to say that somebody has the row: an answer to a try; for anything else, trouble that passes. */
export class RowLocked extends StoreTrouble {
  constructor(cause?: unknown) {
    super('transient', cause ?? new Error('somebody has the row locked'))
  }

  override get isRowLocked(): boolean {
    return true
  }
}
