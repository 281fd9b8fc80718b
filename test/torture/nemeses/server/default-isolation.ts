import type { FaultKind, Scene } from '../../fault.ts'
import { changeDefault } from './change-defaults.ts'
import { openAdmin, serverFamily } from './server-scene.ts'

/** Somebody gives the database another default transaction isolation. */
export const defaultIsolation: FaultKind = {
  name: 'default isolation',
  lane: 'server',
  weight: 10,
  draw: (random) => ({
    level: random.pick(['read committed', 'repeatable read', 'serializable']),
    forMs: random.integer(3_000, 10_000),
  }),
  async inject({ level, forMs }, scene, signal) {
    const isPostgres = serverFamily(scene) === 'postgres'
    await changeDefault(scene, signal, {
      name: isPostgres ? 'default_transaction_isolation' : await mysqlName(scene),
      value: isPostgres ? String(level) : String(level).toUpperCase().replace(' ', '-'),
      forMs: Number(forMs),
    })
  },
}

/** MariaDB before 11.1 knows the old name only, MySQL the new one. */
async function mysqlName(scene: Scene): Promise<string> {
  const admin = await openAdmin(scene)
  try {
    const [row] = await admin.query(
      `show global variables where variable_name in ('transaction_isolation', 'tx_isolation')`,
    )
    return String(row?.Variable_name)
  } finally {
    admin.close()
  }
}
