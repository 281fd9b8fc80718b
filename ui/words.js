/** What numbers and names look like on the page. */

/** Control characters, those that turn or hide text, those that break lines, spaces that look like another one, and those that are no characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]|(?! )\p{Zs}|^ | $| (?= )/gu

/**
 * Text of somebody else's, as nodes: nothing in it can pass for something else, hide, or turn its surroundings around.
 *
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function printable(text) {
  const fragment = document.createDocumentFragment()
  let end = 0
  for (const match of text.matchAll(UNPRINTABLE)) {
    fragment.append(text.slice(end, match.index), escaped(match[0]))
    end = match.index + match[0].length
  }
  fragment.append(text.slice(end))
  const isolated = document.createElement('bdi')
  isolated.append(fragment)
  const whole = document.createDocumentFragment()
  whole.append(isolated)
  return whole
}

/** @param {string} character */
function escaped(character) {
  const span = document.createElement('span')
  span.className = 'escape'
  span.textContent = character === ' ' ? '␣' : `\\u{${character.codePointAt(0)?.toString(16)}}`
  return span
}

/**
 * `850 ms`, `4.2 s`, `12 min 5 s`, `3 h 12 min`, `2 d 4 h`.
 *
 * @param {number | null} ms `null`: there is none
 */
export function duration(ms) {
  if (ms === null) return '–'
  if (ms < 995) return `${Math.round(Math.max(0, ms))} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const s = Math.floor(ms / 1000)
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`
}

/**
 * For what ticks: whole seconds, so that a glance is enough.
 *
 * @param {number} ms
 */
export function ticking(ms) {
  return ms < 60_000 ? `${Math.floor(Math.max(0, ms) / 1000)} s` : duration(ms)
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

/** @param {number} ms since the epoch */
export function moment(ms) {
  return MOMENT.format(ms)
}

/** @param {number} ms since the epoch */
export function timeOfDay(ms) {
  return TIME.format(ms)
}

/** @param {number} count */
export function counted(count) {
  return count.toLocaleString('en')
}
