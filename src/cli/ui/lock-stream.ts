import type { ServerResponse } from 'node:http'
import type { LockWatch } from '../watching/lock-watch.ts'
import { BUCKET_MS } from '../watching/recent-times.ts'
import { type LockJson, lockJson } from './lock-json.ts'

/** What the page is told after each look. */
export interface UpdateJson {
  /** `locks` are all that there are; else those that changed. */
  readonly isWhole: boolean
  readonly locks: readonly LockJson[]
  readonly gone: readonly string[]
  readonly isCut: boolean
  readonly nowMs: number
  readonly health: LockWatch['health']
  /** All, or the latest: a bucket that is told again has grown. */
  readonly buckets: ReturnType<LockWatch['times']['buckets']>
  readonly summary: ReturnType<LockWatch['times']['summary']>
}

interface StreamedWatch {
  /** Whose locks are shown. */
  readonly locks: LockWatch
  /** Whose times are shown: that of the held locks, which sees everything from the begin. */
  readonly times: LockWatch
}

/**
 * Server-sent events: everything once, then after each look what changed. A page that is slower than the looks is sent nothing until it has
 * caught up, and then everything anew, so that it takes no memory here.
 *
 * @param hello sent first
 */
export function streamLocks(response: ServerResponse, watch: StreamedWatch, hello: object): void {
  let isWhole = true
  const send = (event: string, data: object) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  const update = () => {
    if (response.writableNeedDrain) {
      isWhole = true
      return
    }
    send('update', updateOf(watch, isWhole))
    isWhole = watch.locks.look.nowMs === 0
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
  // A page that has lost us asks again after a second.
  response.write('retry: 1000\n\n')
  send('hello', hello)
  update()
  const end = watch.locks.onLook(update)
  response.on('drain', () => isWhole && update())
  response.on('close', end)
}

function updateOf({ locks: watch, times: { times } }: StreamedWatch, isWhole: boolean): UpdateJson {
  const { look, health, waits } = watch
  const isNew = health.state === 'answering'
  const locks = isWhole ? [...look.locks.values()] : isNew ? look.changed : []
  return {
    isWhole,
    locks: locks.map((lock) => lockJson(lock, waits.sinceMs(lock.key))),
    gone: isWhole || !isNew ? [] : look.gone,
    ...{ isCut: look.isCut, nowMs: look.nowMs, health },
    buckets: times.buckets(isWhole ? 0 : look.nowMs - 2 * BUCKET_MS),
    summary: times.summary(),
  }
}
