interface Job {
  readonly paymentId: number
  /** What `serialize()` returns. */
  readonly lock: {
    key: string
    owner: string
    ttl: number | null
    expirationTime: number | null
    token?: number | null
  }
}

type Handler = (job: Job) => Promise<void>

const jobs: string[] = []
let handler: Handler | undefined

function deliver(): void {
  if (handler) for (const job of jobs.splice(0)) void handler(JSON.parse(job))
}

/** Stands for the reader's job queue in the examples of the documentation. Jobs travel as text. */
export const myQueue = {
  dispatch(_name: string, job: Job): void {
    jobs.push(JSON.stringify(job))
    deliver()
  },
  on(_name: string, newHandler: Handler): void {
    handler = newHandler
    deliver()
  },
}
