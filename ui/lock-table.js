import { counted, printable, ticking } from './words.js'

/**
 * @typedef {import('./live-locks.js').Lock} Lock
 * @typedef {import('./live-locks.js').LiveLocks} LiveLocks
 * @typedef {'key' | 'heldBy' | 'held' | 'left' | 'waited' | 'renewals' | 'token'} SortName
 */

const ROW_PX = 30
/** Beyond what is seen, above and below. */
const SPARE_ROWS = 8

/** What is compared; smaller is above. Moments, not ages, so that the order stays right while time passes. @type {Record<SortName, (lock: Lock) => number | string>} */
const ORDERS = {
  key: ({ key }) => key,
  heldBy: ({ heldBy }) => heldBy ?? '\u{10ffff}',
  held: ({ acquiredAtMs }) => acquiredAtMs ?? Infinity,
  left: ({ isHeld, expiresAtMs }) => (isHeld ? (expiresAtMs ?? Number.MAX_VALUE) : Infinity),
  waited: ({ wantedSinceMs }) => wantedSinceMs ?? Infinity,
  renewals: ({ renewals }) => -renewals,
  token: ({ token }) => -token,
}

/** @type {Record<string, (lock: Lock) => boolean>} */
const FILTERS = {
  held: ({ isHeld }) => isHeld,
  wanted: ({ isHeld, isWanted }) => isHeld && isWanted,
  endless: ({ isHeld, expiresAtMs }) => isHeld && expiresAtMs === null,
  all: () => true,
}

/** The locks as a table of which only the rows in sight exist. Tells of `open` with the key, when somebody wants its details. */
export class LockTable extends EventTarget {
  search = ''
  which = 'held'
  /** @type {Lock[]} what is shown, in order */
  view = []
  #live
  #table = /** @type {HTMLTableElement} */ (document.getElementById('table'))
  #body = /** @type {HTMLTableSectionElement} */ (this.#table.tBodies[0])
  #scroller = /** @type {HTMLElement} */ (this.#table.closest('.scroller'))
  #pad = /** @type {HTMLElement} */ (this.#table.parentElement)
  /** @type {SortName} */
  #sort = 'waited'
  #isReversed = false
  /** @type {string | null} the row that the keyboard is at */
  #activeKey = null
  #isDrawing = false

  /** @param {LiveLocks} live */
  constructor(live) {
    super()
    this.#live = live
    this.#scroller.addEventListener('scroll', () => this.draw())
    new ResizeObserver(() => this.draw()).observe(this.#scroller)
    this.#table.addEventListener('keydown', (event) => this.#onKey(event))
    this.#table.addEventListener('focus', () => this.#activeKey === null && this.#moveTo(0))
    this.#body.addEventListener('click', ({ target }) => this.#onClick(/** @type {Element} */ (target)))
    this.#table.tHead?.addEventListener('click', ({ target }) => this.#onHead(/** @type {Element} */ (target)))
    this.#markSort()
  }

  /** Finds out anew what is shown. */
  refresh() {
    const words = this.search.toLowerCase().split(/\s+/).filter(Boolean)
    const isWanted = FILTERS[this.which] ?? FILTERS.all
    this.view = [...this.#live.locks.values()].filter(
      (lock) => isWanted?.(lock) && words.every((word) => lock.haystack.includes(word)),
    )
    const of = ORDERS[this.#sort]
    const sign = this.#isReversed ? -1 : 1
    this.view.sort(
      (a, b) => sign * compare(of(a), of(b)) || compare(ORDERS.held(a), ORDERS.held(b)) || compare(a.key, b.key),
    )
    this.#table.ariaRowCount = String(this.view.length + 1)
    this.draw()
  }

  /** Puts the rows in sight on the page, at the next frame. */
  draw() {
    if (this.#isDrawing) return
    this.#isDrawing = true
    requestAnimationFrame(() => {
      this.#isDrawing = false
      this.#drawNow()
    })
  }

  focus() {
    this.#table.focus()
  }

  #drawNow() {
    const count = this.view.length
    const { scrollTop, clientHeight } = this.#scroller
    const inSight = Math.ceil(clientHeight / ROW_PX) + 2 * SPARE_ROWS
    const first = Math.max(0, Math.min(Math.floor(scrollTop / ROW_PX) - SPARE_ROWS, count - inSight))
    const last = Math.min(count, first + inSight)
    this.#pad.style.paddingTop = `${first * ROW_PX}px`
    this.#pad.style.paddingBottom = `${(count - last) * ROW_PX}px`
    while (this.#body.rows.length < last - first) this.#body.append(newRow())
    while (this.#body.rows.length > last - first) this.#body.lastElementChild?.remove()
    let activeId = ''
    for (let index = first; index < last; index++) {
      const row = /** @type {HTMLTableRowElement} */ (this.#body.rows[index - first])
      const lock = /** @type {Lock} */ (this.view[index])
      const isActive = lock.key === this.#activeKey
      this.#fill(row, lock, index, isActive)
      if (isActive) activeId = row.id
    }
    if (activeId) this.#table.setAttribute('aria-activedescendant', activeId)
    else this.#table.removeAttribute('aria-activedescendant')
  }

  /**
   * @param {HTMLTableRowElement} row
   * @param {Lock} lock
   * @param {number} index
   * @param {boolean} isActive
   */
  #fill(row, lock, index, isActive) {
    const { nowMs } = this.#live
    row.id = `row-${index}`
    row.ariaRowIndex = String(index + 2)
    row.ariaSelected = String(isActive)
    row.classList.toggle('wanted', lock.isHeld && lock.isWanted)
    row.classList.toggle('free', !lock.isHeld)
    const cells = /** @type {HTMLTableCellElement[]} */ ([...row.cells])
    setName(cells[0], lock.key)
    setName(cells[1], lock.isHeld ? (lock.heldBy ?? '') : 'free')
    setText(cells[2], lock.acquiredAtMs === null ? '' : ticking(nowMs - lock.acquiredAtMs))
    setText(cells[3], leftOf(lock, nowMs))
    setText(cells[4], lock.wantedSinceMs === null ? (lock.isWanted ? 'yes' : '') : ticking(nowMs - lock.wantedSinceMs))
    setText(cells[5], lock.isHeld ? counted(lock.renewals) : '')
    setText(cells[6], String(lock.token))
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target !== this.#table) return
    const at = this.view.findIndex(({ key }) => key === this.#activeKey)
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / ROW_PX) - 2)
    const last = this.view.length - 1
    /** @type {Record<string, () => void>} */
    const moves = {
      ArrowDown: () => this.#moveTo(at + 1),
      ArrowUp: () => this.#moveTo(at - 1),
      PageDown: () => this.#moveTo(at + page),
      PageUp: () => this.#moveTo(at - page),
      Home: () => this.#moveTo(0),
      End: () => this.#moveTo(last),
      Enter: () => this.#open(),
      ' ': () => this.#open(),
    }
    const move = moves[event.key]
    if (!move) return
    event.preventDefault()
    move()
  }

  /** @param {number} wish */
  #moveTo(wish) {
    const index = Math.max(0, Math.min(wish, this.view.length - 1))
    this.#activeKey = this.view[index]?.key ?? null
    const top = index * ROW_PX
    // The head stays above the rows: a row is in sight below it.
    const roomPx = this.#scroller.clientHeight - 2 * ROW_PX
    if (top < this.#scroller.scrollTop) this.#scroller.scrollTop = top
    else if (top > this.#scroller.scrollTop + roomPx) this.#scroller.scrollTop = top - roomPx
    this.draw()
  }

  #open() {
    if (this.#activeKey !== null) this.dispatchEvent(new CustomEvent('open', { detail: this.#activeKey }))
  }

  /** @param {Element} target */
  #onClick(target) {
    const row = target.closest('tr')
    const lock = row && this.view[Number(row.id.slice('row-'.length))]
    if (!lock) return
    this.#activeKey = lock.key
    this.draw()
    this.#open()
  }

  /** @param {Element} target */
  #onHead(target) {
    const name = /** @type {SortName | undefined} */ (target.closest('th')?.dataset.sort)
    if (!name || !target.closest('button')) return
    this.#isReversed = name === this.#sort && !this.#isReversed
    this.#sort = name
    this.#markSort()
    this.refresh()
  }

  #markSort() {
    for (const head of this.#table.tHead?.rows[0]?.cells ?? []) {
      const isSorted = head.dataset.sort === this.#sort
      // Ages are sorted by moments: the earliest has the greatest age.
      const isAscending = ['key', 'heldBy', 'left'].includes(this.#sort) !== this.#isReversed
      head.ariaSort = isSorted ? (isAscending ? 'ascending' : 'descending') : 'none'
    }
  }
}

/**
 * @param {Lock} lock
 * @param {number} nowMs
 */
function leftOf({ isHeld, expiresAtMs }, nowMs) {
  if (!isHeld) return ''
  return expiresAtMs === null ? 'never ends' : ticking(expiresAtMs - nowMs)
}

function newRow() {
  const row = document.createElement('tr')
  for (const name of ['key', 'holder', 'number', 'number', 'number', 'number renewals', 'number token']) {
    row.insertCell().className = name
  }
  return row
}

/**
 * @param {HTMLElement | undefined} cell
 * @param {string} text
 */
function setText(cell, text) {
  if (cell && cell.textContent !== text) cell.textContent = text
}

/**
 * @param {HTMLElement | undefined} cell
 * @param {string} name
 */
function setName(cell, name) {
  if (!cell || cell.dataset.name === name) return
  cell.dataset.name = name
  cell.replaceChildren(printable(name))
}

/**
 * @param {number | string} a
 * @param {number | string} b
 */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0
}
