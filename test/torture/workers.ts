/** Processes that work at the same time. */
export const WORKERS = 8
