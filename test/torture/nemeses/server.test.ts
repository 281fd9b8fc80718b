import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { obtainServer } from '../../servers/obtain-server.ts'
import type { StartedServer } from '../../servers/started-server.ts'
import { BACKENDS, type Backend } from '../../support/backends.ts'
import { optionalServer } from '../../support/optional-server.ts'
import { Random } from '../random.ts'
import { serverFaults } from './server/server-faults.ts'
import { canDump, dumps } from './server/suite/dumps.ts'
import { goodEndings } from './server/suite/endings.ts'
import { troubleWithSessions } from './server/suite/sessions.ts'
import { troubleWithSettings } from './server/suite/settings.ts'
import { troubleWithTable } from './server/suite/table.ts'
import { Tested } from './server/suite/tested.ts'
import { testedServer } from './server/suite/tested-server.ts'

describe.each(['sqlite', 'postgres', 'mysql'] as const)('what is drawn for %s', (family) => {
  test.each(serverFaults(family))('$name: the seed decides', (kind) => {
    const draws = (seed: number) => {
      const random = new Random(seed)
      return Array.from({ length: 20 }, () => kind.draw(random))
    }
    expect(draws(1)).toEqual(draws(1))
    expect(draws(1)).not.toEqual(draws(2))
    expect(JSON.parse(JSON.stringify(draws(1)))).toEqual(draws(1))
    expect(kind.lane).toBe('server')
  })

  test('names are unique', () => {
    const names = serverFaults(family).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })
})

// Side by side, since most of it is waiting; what happens at one server comes one after the other.
describe.concurrent.each(BACKENDS)('trouble at $name', (backend) => {
  describe('one after the other', { concurrent: false }, () => troubleAt(backend))
})

function troubleAt(backend: Backend): void {
  const { name, family } = backend
  const tested = new Tested(backend)
  let own: StartedServer | undefined

  beforeAll(async () => {
    // What is changed at MySQL is changed for everybody there: no place where other tests are.
    const startOwn = () => obtainServer({ name, variable: '', givenUrl: undefined })
    if (family === 'mysql') own = await optionalServer(`trouble at a ${name} of its own`, startOwn)
    if (family === 'mysql' && !own) return
    tested.server = await testedServer({ family, url: own?.url ?? backend.url })
    tested.canDump = await canDump(tested)
  })
  // What is missing has been named as not run.
  beforeEach((context) => {
    if (!tested.server) context.skip()
  })
  afterEach(() => tested.closeWorkers())
  afterAll(async () => {
    await tested.server?.remove()
    await own?.stop()
  })

  troubleWithSessions(tested)
  troubleWithSettings(tested)
  troubleWithTable(tested)
  dumps(tested)
  describe('whatever happens', () => goodEndings(tested))
}
