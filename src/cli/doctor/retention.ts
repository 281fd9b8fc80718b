/** How long a free key is kept, microseconds: the default of sweeps and of `prune`. */
export const RETENTION_US = 3_600_000_000
