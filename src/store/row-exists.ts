import { StoreTrouble } from '../store-trouble.ts'

/** A row that was to be created is there, and its key is now locked against changes by others. */
export class RowExists extends StoreTrouble {
  constructor(cause: unknown) {
    super('failed', cause)
  }
}
