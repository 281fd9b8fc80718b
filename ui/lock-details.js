import { counted, duration, moment, printable, ticking, timeOfDay } from './words.js'

/**
 * @typedef {import('./live-locks.js').Lock} Lock
 * @typedef {import('./live-locks.js').LiveLocks} LiveLocks
 * @typedef {import('../src/cli/watching/ended-holds.ts').EndedHold} EndedHold
 * @typedef {{ lock: import('../src/cli/ui/lock-json.ts').LockJson | null, past: EndedHold[] }} Answer
 */

/** What is known of one key. Tells of `close`, and of `release` with the lock, when somebody wants to release it. */
export class LockDetails extends EventTarget {
  /** @type {string | null} */
  key = null
  #live
  #panel = /** @type {HTMLElement} */ (document.getElementById('details'))
  #title = /** @type {HTMLElement} */ (document.getElementById('details-title'))
  #facts = /** @type {HTMLElement} */ (this.#panel.querySelector('dl'))
  #actions = /** @type {HTMLElement} */ (this.#panel.querySelector('.actions'))
  #past = /** @type {HTMLElement} */ (this.#panel.querySelector('.past'))
  /** @type {Answer | null} */
  #answer = null
  /** @type {number | undefined} of the hold that the answer is about */
  #token

  /** @param {LiveLocks} live */
  constructor(live) {
    super()
    this.#live = live
    document.getElementById('details-close')?.addEventListener('click', () => this.close())
    this.#panel.addEventListener('keydown', ({ key }) => key === 'Escape' && this.close())
  }

  /** @param {string} key */
  open(key) {
    this.key = key
    this.#answer = null
    this.#panel.hidden = false
    this.#title.replaceChildren(printable(key))
    this.#past.replaceChildren()
    this.#drawActions()
    void this.#ask()
    this.tick()
    this.#title.focus()
  }

  close() {
    this.key = null
    this.#panel.hidden = true
    this.dispatchEvent(new Event('close'))
  }

  /** After an update: asks again when the key has changed hands. */
  refresh() {
    if (this.key === null) return
    if (this.#lock?.token !== this.#token) void this.#ask()
    this.#drawActions()
    this.tick()
  }

  /** Once a second. */
  tick() {
    if (this.key === null) return
    const lock = this.#lock
    const { nowMs } = this.#live
    const facts = lock?.isHeld ? factsOfHold(lock, nowMs) : factsOfFree(lock ?? this.#answer?.lock ?? null)
    drawFacts(this.#facts, facts)
  }

  /** Of the latest update; `undefined`: nobody holds it. */
  get #lock() {
    return this.key === null ? undefined : this.#live.locks.get(this.key)
  }

  async #ask() {
    const key = /** @type {string} */ (this.key)
    this.#token = this.#lock?.token
    const response = await fetch(`/api/lock?key=${encodeURIComponent(key)}`).catch(() => null)
    if (!response?.ok || key !== this.key) return
    this.#answer = /** @type {Answer} */ (await response.json())
    this.#past.replaceChildren(pastTable(this.#answer.past))
    this.tick()
  }

  #drawActions() {
    const lock = this.#lock
    const isReleasable = lock?.isHeld && this.#live.hello?.isReadWrite
    const wish = isReleasable ? 'button' : lock?.isHeld ? 'advice' : 'none'
    // Left alone while it stays what it is: the focus may be on it.
    if (this.#actions.dataset.wish === wish) return
    this.#actions.dataset.wish = wish
    if (wish === 'button') this.#actions.replaceChildren(this.#releaseButton())
    else this.#actions.replaceChildren(wish === 'advice' ? READ_ONLY : '')
  }

  #releaseButton() {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'danger'
    button.textContent = 'Release by force …'
    button.addEventListener('click', () => {
      if (this.#lock) this.dispatchEvent(new CustomEvent('release', { detail: this.#lock }))
    })
    return button
  }
}

const READ_ONLY =
  'This page is read-only. To release the lock by force: verrou release <key> --force, or start verrou ui --read-write.'

/**
 * @typedef {[name: string, value: string | DocumentFragment]} Fact
 * @param {Lock} lock
 * @param {number} nowMs
 * @returns {Fact[]}
 */
export function factsOfHold({ heldBy, token, acquiredAtMs, expiresAtMs, renewals, isWanted, wantedSinceMs }, nowMs) {
  return [
    ['Held by', printable(heldBy ?? 'unknown')],
    ['Since', acquiredAtMs === null ? 'unknown' : `${moment(acquiredAtMs)}, for ${ticking(nowMs - acquiredAtMs)}`],
    [
      'Time left',
      expiresAtMs === null
        ? 'never ends by itself'
        : `${ticking(expiresAtMs - nowMs)}, until ${timeOfDay(expiresAtMs)}`,
    ],
    ['Renewed', renewals === 0 ? 'not yet' : `${counted(renewals)} times`],
    [
      'Waited for',
      wantedSinceMs !== null
        ? `since ${timeOfDay(wantedSinceMs)}, for ${ticking(nowMs - wantedSinceMs)}`
        : isWanted
          ? 'yes'
          : 'no',
    ],
    ['Fencing token', String(token)],
  ]
}

/**
 * @param {import('../src/cli/ui/lock-json.ts').LockJson | null} lock
 * @returns {Fact[]}
 */
function factsOfFree(lock) {
  /** @type {Fact[]} */
  const state = [['State', 'free: nobody holds it']]
  return lock ? [...state, ['Last token', String(lock.token)]] : state
}

/**
 * @param {HTMLElement} list a `dl`
 * @param {Fact[]} facts
 */
export function drawFacts(list, facts) {
  list.replaceChildren(
    ...facts.flatMap(([name, value]) => {
      const term = document.createElement('dt')
      term.textContent = name
      const description = document.createElement('dd')
      description.append(value)
      return [term, description]
    }),
  )
}

/** @param {EndedHold[]} holds */
function pastTable(holds) {
  if (holds.length === 0) {
    const none = document.createElement('p')
    none.className = 'note'
    none.textContent = 'None was seen since verrou ui was started.'
    return none
  }
  const table = document.createElement('table')
  table.className = 'plain'
  const head = table.createTHead().insertRow()
  for (const name of ['Ended', 'Holder', 'Held for', 'How']) {
    const cell = document.createElement('th')
    cell.scope = 'col'
    cell.textContent = name
    head.append(cell)
  }
  const body = table.createTBody()
  for (const { heldBy, fromMs, toMs, hasRunOut } of holds) {
    const row = body.insertRow()
    row.insertCell().textContent = timeOfDay(toMs)
    row.insertCell().append(printable(heldBy ?? ''))
    row.insertCell().textContent = duration(toMs - fromMs)
    row.insertCell().textContent = hasRunOut ? 'ran out' : 'released'
    row.classList.toggle('ran-out', hasRunOut)
  }
  return table
}
