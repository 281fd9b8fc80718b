import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import type { Scene } from './scene.ts'

/** The charts show a minute at least. */
const CHARTS_FILLED_MS = 75_000

/** Pictures of `verrou ui`: as a whole in light and dark, a key's details, the charts, and the question before a release. */
export async function takePagePictures(browser: Browser, link: string, target: string, scene: Scene): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: 1180, height: 740 },
    deviceScaleFactor: 1.5,
    colorScheme: 'light',
  })
  const page = await context.newPage()
  await page.goto(link)
  await page.locator('#state-text', { hasText: 'Live' }).waitFor()
  await sleep(Math.max(0, CHARTS_FILLED_MS - scene.ageMs))

  const take = async (name: string) => {
    await page.screenshot({ path: join(target, `${name}.png`) })
    console.log(name)
  }
  await take('ui-light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await take('ui-dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await page.locator('.charts').screenshot({ path: join(target, 'ui-charts.png') })
  await page
    .locator('#table tbody td', { hasText: 'report:daily' })
    .or(page.locator('#table tbody td', { hasText: 'invoice:4711' }))
    .first()
    .click()
  await page.locator('#details dd').first().waitFor()
  await sleep(700)
  await take('ui-details')
  await page.locator('#table tbody td', { hasText: 'invoice:4711' }).click()
  await page.getByRole('button', { name: 'Release by force …' }).click()
  await take('ui-release')
  await context.close()
}
