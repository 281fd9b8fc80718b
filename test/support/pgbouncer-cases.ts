import { startPgbouncer } from '../servers/start-pgbouncer.ts'
import type { StartedServer } from '../servers/started-server.ts'
import { BACKENDS, type Backend } from './backends.ts'
import type { ContractBackend } from './contract-backend.ts'
import { optionalServer } from './optional-server.ts'
import type { BegunTransaction, TransactionBackend } from './transactions/transaction-backend.ts'

/** A pooler as people have it. */
export interface PgbouncerCase {
  readonly name: string
  readonly poolMode: 'session' | 'transaction'
  /** 1.18 and 1.24. */
  readonly suite: 'bookworm' | 'trixie'
  readonly settings?: Readonly<Record<string, string | number>>
}

/** Named prepared statements: cannot be had, can be had and are off, are on. */
export const TRANSACTION_CASES: readonly PgbouncerCase[] = [
  { name: 'PgBouncer 1.18, transaction mode', poolMode: 'transaction', suite: 'bookworm' },
  {
    name: 'PgBouncer 1.24, transaction mode, max_prepared_statements = 0',
    poolMode: 'transaction',
    suite: 'trixie',
    settings: { max_prepared_statements: 0 },
  },
  {
    name: 'PgBouncer 1.24, transaction mode, max_prepared_statements = 100',
    poolMode: 'transaction',
    suite: 'trixie',
    settings: { max_prepared_statements: 100 },
  },
]

/** Each client has a connection of the server for as long as it lives, and the suites have many clients. */
const ENOUGH = { default_pool_size: 100 }

export const SESSION_CASES: readonly PgbouncerCase[] = [
  { name: 'PgBouncer 1.18, session mode', poolMode: 'session', suite: 'bookworm', settings: ENOUGH },
  { name: 'PgBouncer 1.24, session mode', poolMode: 'session', suite: 'trixie', settings: ENOUGH },
]

/** What stands behind the pooler: the newest Postgres that is selected. */
export const DIRECT: Backend | undefined = BACKENDS.filter(({ family }) => family === 'postgres').at(-1)

/** @returns `undefined`: no Postgres is selected, or the pooler cannot be had */
export async function startCase({ name, poolMode, ...wishes }: PgbouncerCase): Promise<StartedServer | undefined> {
  const direct = DIRECT
  return direct && (await optionalServer(name, () => startPgbouncer(direct.url, poolMode, wishes)))
}

/** The same, where other processes (a listener of the test's, say) come by the direct way. */
export function othersComeDirectly(backend: ContractBackend): ContractBackend {
  return {
    ...backend,
    async open() {
      const open = await backend.open()
      return { ...open, address: open.address && { ...open.address, url: DIRECT?.url ?? open.address.url } }
    },
  }
}

/** Makes of the pooler what is otherwise made of the servers that are selected. */
export function transactionsThrough({ url }: StartedServer, make: () => TransactionBackend[]): TransactionBackend[] {
  const selected = BACKENDS.splice(0)
  if (DIRECT) BACKENDS.push({ ...DIRECT, url })
  try {
    return make()
      .filter(({ family }) => family === 'postgres')
      .map(tidying)
  } finally {
    BACKENDS.splice(0, BACKENDS.length, ...selected)
  }
}

/** What a caller prepares stays on a connection that others have next: behind a pooler, it has to be taken back. */
function tidying(backend: TransactionBackend): TransactionBackend {
  return {
    ...backend,
    async open() {
      const open = await backend.open()
      return { ...open, begin: async (options) => takingBack(await open.begin(options)) }
    },
  }
}

function takingBack(begun: BegunTransaction): BegunTransaction {
  const prepared: string[] = []
  return {
    ...begun,
    send(text) {
      const [, name] = /^prepare (\w+)/.exec(text) ?? []
      if (name) prepared.push(name)
      return begun.send(text)
    },
    async commit() {
      for (const name of prepared) await begun.send(`deallocate ${name}`)
      await begun.commit()
    },
  }
}
