import { drawFacts, factsOfHold } from './lock-details.js'
import { printable } from './words.js'

/**
 * @typedef {import('./live-locks.js').Lock} Lock
 * @typedef {import('./live-locks.js').LiveLocks} LiveLocks
 */

/** Asks before a lock is released by force. Tells of `released` with who was evicted. */
export class ReleaseDialog extends EventTarget {
  #live
  #dialog = /** @type {HTMLDialogElement} */ (document.getElementById('release'))
  #error = /** @type {HTMLElement} */ (this.#dialog.querySelector('.error'))
  #button = /** @type {HTMLButtonElement} */ (this.#dialog.querySelector('.danger'))
  /** @type {Lock | null} as it was when the dialog opened: that hold is released, or none */
  #lock = null

  /** @param {LiveLocks} live */
  constructor(live) {
    super()
    this.#live = live
    this.#button.addEventListener('click', () => void this.#release())
  }

  /** @param {Lock} lock */
  ask(lock) {
    this.#lock = lock
    this.#error.textContent = ''
    const facts = /** @type {HTMLElement} */ (this.#dialog.querySelector('dl'))
    drawFacts(facts, [['Key', printable(lock.key)], ...factsOfHold(lock, this.#live.nowMs)])
    this.#dialog.showModal()
  }

  async #release() {
    if (!this.#lock) return
    const { key, token } = this.#lock
    this.#button.disabled = true
    const answer = await this.#post({ key, token })
    this.#button.disabled = false
    if ('error' in answer) {
      this.#error.textContent = `Not released: ${answer.error}.`
      return
    }
    this.#dialog.close()
    this.dispatchEvent(new CustomEvent('released', { detail: answer.evicted ?? 'somebody unknown' }))
  }

  /**
   * @param {{ key: string, token: number }} wish
   * @returns {Promise<{ error: string } | { evicted: string | null }>}
   */
  async #post(wish) {
    try {
      const response = await fetch('/api/release', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Verrou-Form-Token': this.#live.hello?.formToken ?? '' },
        body: JSON.stringify(wish),
      })
      return await response.json()
    } catch {
      return { error: 'verrou ui does not answer' }
    }
  }
}
