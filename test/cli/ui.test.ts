import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { lookAtLocks } from '../../src/cli/watching/look-at-locks.ts'
import type { LockFactory } from '../../src/index.ts'
import { openChromium } from '../support/chromium.ts'
import { CLI_DATABASES, type CliDatabase, runVerrou } from '../support/cli.ts'
import { locksAt } from '../support/locks-at.ts'
import { type StartedUi, startedUi } from '../support/started-ui.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

// A browser, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000 })

const LOCKS = 10_000
/** Their order is the same by key, and as text. */
const KEYS = Array.from({ length: LOCKS }, (_, index) => `order:${String(index).padStart(5, '0')}`)

const browser = await openChromium()
/** SQLite, and one server: what differs between servers is tested with `list`. */
const DATABASES = [
  ...CLI_DATABASES.filter(({ name }) => name === 'sqlite'),
  ...CLI_DATABASES.filter(({ name }) => name !== 'sqlite').slice(0, 1),
]

afterAll(() => browser?.close())

/** The page in a browser that has nothing of another one's, with all that it asked for and all that went wrong in it. */
interface Opened {
  readonly page: Page
  readonly asked: string[]
  readonly troubles: string[]
}

async function openPage({ link }: StartedUi): Promise<Opened> {
  const context = await (browser as Browser).newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  const asked: string[] = []
  const troubles: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  page.on(
    'console',
    (message) => message.type() === 'error' && troubles.push(`${message.text()} ${message.location().url}`),
  )
  page.on('pageerror', (error) => troubles.push(error.message))
  page.on('dialog', (dialog) => void dialog.dismiss().then(() => troubles.push(`dialog: ${dialog.message()}`)))
  await page.goto(link)
  await page.locator('#state-text', { hasText: 'Live' }).waitFor()
  return { page, asked, troubles }
}

/** What axe finds against WCAG 2.2 AA and its own best practices: https://github.com/dequelabs/axe-core */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`),
  )
}

/** What is told of here is on the page soon; not sooner on a machine that does many things at once. */
const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 15_000 })

const cell = (page: Page, text: string | RegExp) => page.locator('#table tbody td', { hasText: text })
const focused = (page: Page) => page.locator(':focus').evaluate((element) => element.id || element.textContent.trim())

/** Milliseconds from now until a row with that text is there, or gone, by the clock of the page. */
function timeUntilRow(page: Page, text: string, isThere: boolean): Promise<number> {
  return page.locator('#table tbody').evaluate(
    (body, [text, isThere]) =>
      new Promise<number>((resolve) => {
        const { requestAnimationFrame, performance } = body.ownerDocument.defaultView
        const startedMs = performance.now()
        const look = () => {
          if (body.textContent.includes(text) === isThere) resolve(performance.now() - startedMs)
          else requestAnimationFrame(look)
        }
        look()
      }),
    [text, isThere] as const,
  )
}

describe.runIf(browser).each(DATABASES)('verrou ui on $name, with 10,000 locks', ({ name, create }) => {
  const isFirst = name === DATABASES[0]?.name
  let database: CliDatabase
  let held: { locks: LockFactory; close(): Promise<void> }
  let ui: StartedUi
  let opened: Opened
  let page: Page

  beforeAll(async () => {
    database = await create()
    await runVerrou(['migrate'], { cwd: database.folder, env: database.env })
    held = await locksAt(database.url)
    await Promise.all(KEYS.map((key) => held.locks.createLock(key, '1h').acquireImmediately()))
    ui = await startedUi(['--read-write'], { cwd: database.folder, env: database.env })
    opened = await openPage(ui)
    page = opened.page
  })

  afterAll(async () => {
    await page?.context().close()
    ui?.command.process.kill('SIGTERM')
    await ui?.command.ended
    await held?.close()
    await database?.drop()
  })

  beforeEach(async () => {
    await page.getByRole('radio', { name: 'Held', exact: true }).check()
    await page.getByRole('searchbox').fill('')
  })

  test('has rows for those in sight only, and tells how many there are', async () => {
    await eventually(() => page.locator('#count').textContent()).toBe('10,000')
    expect(await page.locator('#table').getAttribute('aria-rowcount')).toBe('10001')
    expect(await page.locator('#table tbody tr').count()).toBeLessThan(60)
  })

  test('scrolls within a second', async () => {
    await page.getByRole('button', { name: 'Key', exact: true }).click()
    await timeUntilRow(page, KEYS[0]!, true)
    const times: number[] = []
    for (const share of [0.25, 0.5, 0.75, 1]) {
      await page.locator('.scroller').evaluate((scroller, share) => {
        scroller.scrollTop = share * (scroller.scrollHeight - scroller.clientHeight)
      }, share)
      times.push(await timeUntilRow(page, KEYS[Math.ceil(share * (LOCKS - 1))]!, true))
    }
    expect(Math.max(...times)).toBeLessThan(await aSecond(held.locks))
  })

  test('searches within a second, in keys and holders', async () => {
    const search = page.getByRole('searchbox')
    const times: number[] = []
    for (const index of [4_242, 7, 9_999]) {
      await search.fill(`ORDER:${String(index).padStart(5, '0')}`)
      times.push(await timeUntilRow(page, KEYS[index]!, true))
      await eventually(() => page.locator('#count').textContent()).toBe('1 of 10,000')
    }
    expect(Math.max(...times)).toBeLessThan(await aSecond(held.locks))
    await search.fill('no such key')
    expect(await page.locator('#empty').textContent()).toMatch(/No key and no holder has these words/)
  })

  test('shows within a second what has changed in the database', async () => {
    await page.getByRole('searchbox').fill('new:')
    const times: number[] = []
    for (let round = 0; round < 3; round++) {
      const hold = await held.locks.createLock(`new:${round}`, '1m').hold()
      times.push(await timeUntilRow(page, `new:${round}`, true))
      await hold.release()
      times.push(await timeUntilRow(page, `new:${round}`, false))
    }
    console.log(`changes were on the page within ${times.map(Math.round).join(', ')} ms`)
    expect(medianOf(times)).toBeLessThan(await aSecond(held.locks))
  })

  test('shows who waits, for how long, and what holds and waits have taken', async () => {
    const hold = await held.locks.createLock('wanted', '1m').hold()
    const waiter = await locksAt(database.url)
    const waiting = waiter.locks.createLock('wanted', '1m').hold()
    await page.getByRole('radio', { name: 'Waited for', exact: true }).check()
    await cell(page, 'wanted').waitFor()
    await page.waitForTimeout(600)
    await hold.release()
    const granted = await waiting
    await eventually(() => page.locator('#waits figcaption').textContent()).toMatch(/^1 ended: median/)
    await granted.release()
    await eventually(() => page.locator('#holds figcaption').textContent()).toMatch(/ended: median .*None ran out/)
    await eventually(() => page.locator('#empty').textContent()).toBe('Nobody waits for anything.')
    await page.locator('#waits summary').click()
    expect(await page.locator('#waits tbody tr').first().textContent()).toMatch(/\d/)
    await page.locator('#waits summary').click()
    await waiter.close()
  })

  test('shows free keys, when asked', async () => {
    await page.getByRole('radio', { name: /^All keys/ }).check()
    await page.getByRole('searchbox').fill('wanted')
    await cell(page, 'wanted').waitFor()
    await eventually(() => page.locator('#table tbody tr.free').count()).toBe(1)
  })

  test('is worked with the keyboard alone, to a release by force that fences the holder out', async () => {
    const victim = await held.locks.createLock('victim', '1m').hold()
    await page.locator('h1').click()
    await page.keyboard.press('/')
    expect(await focused(page)).toBe('search')
    await page.keyboard.type('victim')
    await cell(page, 'victim').waitFor()
    // Which locks, the heads of seven columns, the table.
    await page.keyboard.press('Tab')
    while ((await focused(page)) !== 'table') await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await focused(page)).toBe('details-title')
    expect(await page.locator('#details').textContent()).toMatch(/Held by.*:\d+.*Time left\d+ s.*Fencing token\d{16}/)
    while ((await focused(page)) !== 'Release by force …') await page.keyboard.press('Tab')

    await page.keyboard.press('Enter')
    expect(await focused(page)).toBe('Keep it')
    // Nothing behind the question can be reached.
    for (let tab = 0; tab < 4; tab++) {
      await page.keyboard.press('Tab')
      // Behind the last button comes the browser's own bar, where nothing of the page has the focus.
      const isOutside =
        (await page.locator(':focus').count()) > 0 && (await page.locator('dialog :focus').count()) === 0
      expect(isOutside).toBe(false)
    }
    await page.keyboard.press('Escape')
    expect(await focused(page)).toBe('Release by force …')
    await victim.extend()

    await page.keyboard.press('Enter')
    while ((await focused(page)) !== 'Release by force') await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.locator('#announcement', { hasText: /^Released. Evicted: .*:\d+\.$/ }).waitFor({ state: 'attached' })
    expect(await focused(page)).toBe('details-title')
    await expect(victim.extend()).rejects.toMatchObject({ code: 'E_LOCK_LOST' })
    await eventually(() => page.locator('#details dl').textContent()).toMatch(/nobody holds it/)
    await eventually(() => page.locator('#details .past').textContent()).toMatch(/released/)
    await page.keyboard.press('Escape')
    expect(await focused(page)).toBe('table')
    await page.getByRole('searchbox').fill('')
  })

  test('goes through the rows with the keyboard', async () => {
    const table = page.locator('#table')
    const active = () => page.locator('#table tr[aria-selected="true"] td:first-child').textContent()
    await table.focus()
    await page.keyboard.press('Home')
    await eventually(active).toBe(KEYS[0])
    await page.keyboard.press('ArrowDown')
    await eventually(active).toBe(KEYS[1])
    await page.keyboard.press('End')
    await eventually(active).toBe(KEYS.at(-1))
    await page.keyboard.press('PageUp')
    await eventually(async () => (await active()) !== KEYS.at(-1)).toBe(true)
    const id = await table.getAttribute('aria-activedescendant')
    expect(await page.locator(`#${id}`).getAttribute('aria-selected')).toBe('true')
  })

  test('shows keys from anybody as what they are', async () => {
    const nasty = [
      '<script>globalThis.hacked=1</script>',
      '<img src=x onerror=alert(1)>',
      'rtl \u202e\u2067evil',
      'a\tb\nc\u0007',
      ' spaces ',
      '{{7*7}}',
    ]
    const holds = await Promise.all(nasty.map((key) => held.locks.createLock(`nasty:${key}`, '1m').hold()))
    await page.getByRole('searchbox').fill('nasty:')
    await eventually(() => page.locator('#table tbody tr').count()).toBe(nasty.length)
    const shown = await page.locator('#table tbody td:first-child').allTextContents()
    expect(shown.map((key) => key.slice('nasty:'.length)).sort()).toEqual(
      [
        '<img src=x onerror=alert(1)>',
        '<script>globalThis.hacked=1</script>',
        'a\\u{9}b\\u{a}c\\u{7}',
        'rtl \\u{202e}\\u{2067}evil',
        '{{7*7}}',
        ' spaces␣',
      ].sort(),
    )
    for (const [index] of nasty.entries()) {
      await page.locator('#table tbody tr').nth(index).click()
      await page.getByRole('button', { name: 'Release by force …' }).click()
      await page.keyboard.press('Escape')
      await page.keyboard.press('Escape')
    }
    expect(await page.evaluate(() => 'hacked' in globalThis)).toBe(false)
    expect(await page.locator('#table script, #table img, #details script, #details img, #release img').count()).toBe(0)
    await Promise.all(holds.map((hold) => hold.release()))
    await page.getByRole('searchbox').fill('')
  })

  // The same page on each of them.
  test.runIf(isFirst).each(['light', 'dark'] as const)(
    'has nothing that axe finds wrong, when it is %s',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme })
      await cell(page, 'order:').first().click()
      expect(await violationsOf(page)).toEqual([])
      await page.getByRole('button', { name: 'Release by force …' }).click()
      expect(await violationsOf(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.keyboard.press('Escape')
      await page.emulateMedia({ colorScheme: 'light' })
    },
  )

  test('has asked nobody but verrou ui, and nothing went wrong in it', () => {
    expect(opened.asked.filter((url) => !url.startsWith(`${ui.origin}/`))).toEqual([])
    expect(opened.troubles).toEqual([])
  })
})

const [server] = CLI_DATABASES.filter(({ name }) => name !== 'sqlite')

describe.runIf(browser && server)('when something ends', () => {
  test('the page says that the database does not answer, and goes on when it does; the same for verrou ui itself', async () => {
    const database = await server!.create()
    await runVerrou(['migrate'], { cwd: database.folder, env: database.env })
    const proxy = await TcpProxy.to(database.url)
    await proxy.up()
    const ui = await startedUi(['--url', proxy.through(database.url)], { cwd: database.folder })
    onTestFinished(() => void ui.command.process.kill())
    const { page } = await openPage(ui)
    const trouble = page.locator('#trouble')
    const state = page.locator('#state-text')
    expect(await page.locator('#empty').textContent()).toMatch(/^Nobody holds anything/)
    expect(await page.locator('#mode').textContent()).toBe('read-only')
    expect(await page.getByRole('button', { name: /Release/ }).count()).toBe(0)
    expect(await violationsOf(page)).toEqual([])

    await proxy.down()
    await eventually(() => trouble.textContent()).toMatch(/^The database does not answer since .*: .*Trying again\.$/)
    expect(await state.textContent()).toBe('Not live')
    expect(await violationsOf(page)).toEqual([])
    await proxy.up()
    await eventually(() => state.textContent()).toMatch(/^Live/)
    expect(await trouble.textContent()).toBe('')

    proxy.mute()
    await eventually(() => trouble.textContent()).toMatch(/no answer for 3 s/)
    proxy.unmute()
    await eventually(() => state.textContent()).toMatch(/^Live/)

    ui.command.process.kill('SIGTERM')
    expect(await ui.command.ended).toMatchObject({ code: 0, stderr: '' })
    await eventually(() => trouble.textContent()).toMatch(/^verrou ui does not answer/)
    await page.context().close()
    await proxy.down()
    await database.drop()
  })
})

/**
 * Milliseconds; more on a machine that is busy with other things: a look at all the locks, which takes 50 to 100 ms by itself, tells how much.
 */
async function aSecond(locks: LockFactory): Promise<number> {
  const startedMs = performance.now()
  await lookAtLocks(locks)
  return Math.max(1_000, (performance.now() - startedMs) * 8)
}

/** Half of them took longer: on a machine that does many things at once, a single one says nothing. */
function medianOf(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!
}
