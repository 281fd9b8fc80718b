import { prepareMariadb, prepareMysql } from '../servers/prepare-mysql.ts'
import { startSingleServer } from './single-server.ts'
import type { TortureDatabase } from './torture-database.ts'

/** Killed; or asked to end, which saves everything first and takes its time. */
export const MYSQL_ENDS = ['SIGKILL', 'SIGKILL', 'SIGTERM'] as const

/** One MySQL 9. */
export async function startMysql(): Promise<TortureDatabase> {
  const server = await prepareMysql()
  return await startSingleServer({ name: 'mysql', family: 'mysql', product: 'MySQL', server, signals: MYSQL_ENDS })
}

/** One MariaDB. */
export async function startMariadb(): Promise<TortureDatabase> {
  const server = await prepareMariadb()
  return await startSingleServer({ name: 'mariadb', family: 'mysql', product: 'MariaDB', server, signals: MYSQL_ENDS })
}
