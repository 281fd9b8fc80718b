import { randomBytes } from 'node:crypto'
import type { CliDatabase } from './cli.ts'
import { sendMysql, sendPostgres } from './throwaway-database.ts'

/** The URL of a database as a role that may not use anything of it. */
export async function roleWithoutRights(
  { family, url }: CliDatabase,
  password: string,
): Promise<{ url: string; drop(): Promise<void> }> {
  const role = `verrou_role_${randomBytes(4).toString('hex')}`
  const roleUrl = new URL(url)
  Object.assign(roleUrl, { username: role, password })
  if (family === 'postgres') {
    await sendPostgres(url, `create role ${role} login password '${password}'`)
    return { url: roleUrl.href, drop: () => sendPostgres(url, `drop role ${role}`) }
  }
  await sendMysql(url, `create user '${role}'@'%' identified by '${password}'`)
  return { url: roleUrl.href, drop: () => sendMysql(url, `drop user '${role}'@'%'`) }
}
