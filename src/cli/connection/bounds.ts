/** How long a server may take to let us in. */
export const CONNECT_WITHIN_MS = 10_000

/** A command asks one thing after the other; two more for what it does meanwhile. */
export const MOST_CONNECTIONS = 3
