/** Rows that have been free for an hour can go: by then nobody releases a hold that ran out. */
export const RETENTION_US = 3_600_000_000
