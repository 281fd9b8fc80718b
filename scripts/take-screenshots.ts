// npm run docs:screens [-- --only NAME,NAME]
// Takes the pictures of the documentation from the real thing: docs/public/screens/. Needs Chromium, and script(1) for a terminal. Takes two minutes, most of
// which the charts need to have something to show.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createProgram } from '../src/cli/program.ts'
import { openChromium } from '../test/support/chromium.ts'
import { REPOSITORY } from './repository.ts'
import { drawTerminal } from './screenshots/draw-terminal.ts'
import { takePagePictures } from './screenshots/page-pictures.ts'
import { runInTerminal } from './screenshots/run-in-terminal.ts'
import { playScene } from './screenshots/scene.ts'
import { startPage } from './screenshots/start-page.ts'
import { TERMINAL_PICTURES } from './screenshots/terminal-pictures.ts'

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const wanted = values.only?.split(',')
const isWanted = (name: string) => wanted === undefined || wanted.includes(name)

const target = join(REPOSITORY, 'docs/public/screens')
mkdirSync(target, { recursive: true })
const browser = await openChromium()
if (!browser) process.exit(1)

const folder = mkdtempSync(join(tmpdir(), 'verrou-screens-'))
const scene = await playScene(folder)
const ui = await startPage(folder)
try {
  const commands = createProgram().commands.map((command) => command.name())
  for (const picture of TERMINAL_PICTURES.filter(({ name }) => isWanted(name))) {
    const [command = ''] = picture.args
    if (!command.startsWith('-') && !commands.includes(command)) {
      console.error(`${picture.name}: there is no \`verrou ${command}\``)
      continue
    }
    const screen = await runInTerminal(picture, folder)
    await drawTerminal(browser, picture, screen, join(target, `${picture.name}.png`))
    console.log(picture.name)
  }
  if (isWanted('ui')) await takePagePictures(browser, ui.link, target, scene)
} finally {
  ui.process.kill('SIGTERM')
  await scene.end()
  await browser.close()
  rmSync(folder, { recursive: true })
}
process.exit()
