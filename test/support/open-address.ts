import type { TableAddress } from './contract-backend.ts'
import type { Opened } from './opened.ts'

/** What another process opens of a table. Loads only the driver that it needs: many processes start at once. */
export async function openAddress({ family, url }: TableAddress): Promise<Opened> {
  if (family === 'postgres') return (await import('./open-postgres.ts')).openPostgres(url, 2)
  if (family === 'mysql') return (await import('./open-mysql.ts')).openMysql(url, 2)
  return (await import('./open-sqlite.ts')).openSqlite(url)
}
