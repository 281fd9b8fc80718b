// node .github/databases-that-ran.mjs REPORT: the databases on which at least one test has passed, by the report of
// Vitest. Test names begin with that of their database: see test/servers/selection.ts.
import { readFileSync } from 'node:fs'

const NAMES = ['postgres-14', 'postgres-18', 'mysql', 'mariadb', 'sqlite']

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const passed = testResults
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ status }) => status === 'passed')
const titles = passed.flatMap(({ ancestorTitles, title }) => [...ancestorTitles, title])
for (const name of NAMES) if (titles.some((title) => title.startsWith(`${name} `))) console.log(name)
