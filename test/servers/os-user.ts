import { readFileSync } from 'node:fs'

export interface OsUser {
  uid: number
  gid: number
}

/**
 * Postgres refuses to run as root, and the others need not. The first of these users that the machine has;
 * undefined when the tests are not run by root anyway.
 */
export function serverUser(...names: string[]): OsUser | undefined {
  if (process.getuid?.() !== 0) return undefined

  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const name of [...names, 'nobody']) {
    const account = accounts.find(([accountName]) => accountName === name)
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) }
  }
  throw new Error(`servers must not run as root, and the machine has none of the users ${names.join(', ')}, nobody`)
}
