/** How often a worker looks whether it stood still since it looked last. */
export const WATCH_EVERY_MS = 50
