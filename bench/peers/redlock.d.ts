// Its package.json does not lead to its own types. What is used of them:
declare module 'redlock' {
  import type { Redis } from 'ioredis'

  export interface RedlockLock {
    release(): Promise<unknown>
  }

  export class ExecutionError extends Error {}

  export default class Redlock {
    constructor(clients: Redis[], settings?: { retryCount?: number })
    acquire(resources: string[], durationMs: number): Promise<RedlockLock>
  }
}
