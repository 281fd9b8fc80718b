/**
 * The locks as the server last told of them.
 *
 * @typedef {import('../src/cli/ui/lock-json.ts').LockJson & { haystack: string }} Lock
 * @typedef {import('../src/cli/ui/lock-stream.ts').UpdateJson} Update
 * @typedef {{ database: { url: string, dialect: string }, isReadWrite: boolean, formToken: string | null }} Hello
 */

/** Tells of `hello`, `update` and `connection` by events of these names. */
export class LiveLocks extends EventTarget {
  /** @type {Map<string, Lock>} */
  locks = new Map()
  /** @type {Hello | null} */
  hello = null
  /** @type {Update['health']} */
  health = { state: 'starting' }
  /** @type {Update['buckets']} */
  buckets = []
  /** @type {Update['summary'] | null} */
  summary = null
  isCut = false
  /** Whether `verrou ui` answers. @type {'connecting' | 'open' | 'lost' | 'refused'} */
  connection = 'connecting'
  /** @type {EventSource | null} */
  #source = null
  #nowMs = 0
  #toldAtMs = 0

  /** @param {boolean} isWithFree also keys that nobody holds */
  open(isWithFree) {
    this.#source?.close()
    const source = new EventSource(isWithFree ? '/api/stream?state=all' : '/api/stream')
    source.addEventListener('hello', ({ data }) => {
      this.hello = JSON.parse(data)
      this.dispatchEvent(new Event('hello'))
      this.#connect('open')
    })
    source.addEventListener('update', ({ data }) => this.#update(JSON.parse(data)))
    // The browser tries again by itself, unless it was told no.
    source.addEventListener('error', () => this.#connect(source.readyState === EventSource.CLOSED ? 'refused' : 'lost'))
    this.#source = source
  }

  get isLive() {
    return this.connection === 'open' && this.health.state === 'answering'
  }

  /** By the database's clock; stands still while the database does not answer. */
  get nowMs() {
    return this.#nowMs + (this.isLive ? performance.now() - this.#toldAtMs : 0)
  }

  /** @param {LiveLocks['connection']} connection */
  #connect(connection) {
    this.connection = connection
    this.dispatchEvent(new Event('connection'))
  }

  /** @param {Update} update */
  #update({ isWhole, locks, gone, isCut, nowMs, health, buckets, summary }) {
    if (isWhole) this.locks = new Map()
    for (const key of gone) this.locks.delete(key)
    for (const lock of locks) {
      this.locks.set(lock.key, { ...lock, haystack: `${lock.key}\n${lock.heldBy ?? ''}`.toLowerCase() })
    }
    const isChanged = isWhole || locks.length > 0 || gone.length > 0
    const fromMs = buckets[0]?.atMs ?? Infinity
    this.buckets = isWhole ? buckets : [...this.buckets.filter(({ atMs }) => atMs < fromMs), ...buckets].slice(-120)
    Object.assign(this, { isCut, health, summary })
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs
      this.#toldAtMs = performance.now()
    }
    this.dispatchEvent(new CustomEvent('update', { detail: { isChanged } }))
  }
}
