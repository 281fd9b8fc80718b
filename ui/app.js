import { LiveLocks } from './live-locks.js'
import { LockDetails } from './lock-details.js'
import { LockTable } from './lock-table.js'
import { ReleaseDialog } from './release-dialog.js'
import { TimeCharts } from './time-charts.js'
import { counted, printable, timeOfDay } from './words.js'

/** @type {(id: string) => HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

const live = new LiveLocks()
const table = new LockTable(live)
const details = new LockDetails(live)
const dialog = new ReleaseDialog(live)
const charts = new TimeCharts(live)
const search = /** @type {HTMLInputElement} */ (element('search'))
/** @type {ReturnType<typeof setTimeout> | undefined} */
let saying

live.addEventListener('hello', () => {
  const { database, isReadWrite } = /** @type {NonNullable<LiveLocks['hello']>} */ (live.hello)
  element('database').replaceChildren(printable(database.url))
  element('mode').textContent = isReadWrite ? 'may release' : 'read-only'
  element('mode').classList.toggle('danger', isReadWrite)
})
live.addEventListener('connection', showState)
live.addEventListener('update', (event) => {
  const { isChanged } = /** @type {CustomEvent<{ isChanged: boolean }>} */ (event).detail
  if (isChanged) table.refresh()
  charts.refresh()
  details.refresh()
  showCount()
  showState()
})

table.addEventListener('open', (event) => details.open(/** @type {CustomEvent<string>} */ (event).detail))
details.addEventListener('close', () => table.focus())
details.addEventListener('release', (event) => dialog.ask(/** @type {CustomEvent} */ (event).detail))
dialog.addEventListener('released', (event) => {
  announce(`Released. Evicted: ${/** @type {CustomEvent<string>} */ (event).detail}.`)
  element('details-title').focus()
})

search.addEventListener('input', () => {
  table.search = search.value
  look()
})
search.form?.addEventListener('submit', (event) => event.preventDefault())
search.form?.addEventListener('change', ({ target }) => {
  const { name, value } = /** @type {HTMLInputElement} */ (target)
  if (name !== 'which') return
  const wasAll = table.which === 'all'
  table.which = value
  if ((value === 'all') !== wasAll) live.open(value === 'all')
  look()
})
document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement && event.target.type === 'search'
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  search.focus()
})

setInterval(() => {
  table.draw()
  details.tick()
  showState()
}, 1_000)
live.open(false)

function look() {
  table.refresh()
  showCount()
  // Said once the typing is over.
  clearTimeout(saying)
  saying = setTimeout(() => announce(`${counted(table.view.length)} locks shown`), 700)
}

function showCount() {
  const shown = table.view.length
  const all = live.locks.size
  const cut = live.isCut ? ' (more are in the table: these are the first ones)' : ''
  setText(element('count'), `${shown === all ? counted(all) : `${counted(shown)} of ${counted(all)}`}${cut}`)
  const isEmpty = shown === 0 && live.nowMs > 0
  element('empty').hidden = !isEmpty
  setText(/** @type {HTMLElement} */ (element('empty').firstElementChild), isEmpty ? emptyWords() : '')
}

function emptyWords() {
  if (table.search !== '') return 'No key and no holder has these words in it.'
  if (table.which === 'wanted') return 'Nobody waits for anything.'
  if (table.which === 'endless') return 'Every hold ends by itself.'
  return 'Nobody holds anything. A lock is here for as long as somebody holds it; try: verrou run hello -- sleep 60'
}

function showState() {
  const { health, connection, isLive, nowMs } = live
  document.body.classList.toggle('stale', connection !== 'connecting' && !isLive && health.state !== 'starting')
  setText(
    element('state-text'),
    isLive ? `Live, ${timeOfDay(nowMs)}` : connection === 'connecting' ? 'Connecting …' : 'Not live',
  )
  setText(element('trouble'), troubleWords())
}

/** What is wrong; what the eye sees ticks, so that the ear is not told every second: only the reason changes what is said. */
function troubleWords() {
  const { health, connection } = live
  const shown = 'What is shown is what was known then.'
  if (connection === 'refused')
    return 'This page is not known to verrou ui any more: it was started again. Open the link that it printed.'
  if (connection === 'lost') return `verrou ui does not answer: it has ended, or is paused. ${shown} Trying again.`
  if (health.state !== 'silent') return ''
  return `The database does not answer since ${timeOfDay(health.sinceMs)}: ${health.reason}. ${shown} Trying again.`
}

/** @param {string} words */
function announce(words) {
  element('announcement').textContent = words
}

/**
 * @param {HTMLElement} target
 * @param {string} text
 */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text
}
