import type { LockStore } from '../../../src/index.ts'
import { StoreTrouble } from '../../../src/store-trouble.ts'
import { breakStore } from './break-store.ts'
import type { BrokenBuild } from './broken-build.ts'
import { deaf } from './deaf.ts'
import { PRESENCE_BUILDS } from './presence-builds.ts'
import { replaceSql } from './replace-sql.ts'
import { SESSION_BUILDS } from './session-builds.ts'

/** How an expired or free row is recognised in a try: on Postgres, on SQLite. */
const IS_FREE = /locks\.expires_at <= (clock\.now|excluded\.acquired_at)(?=\s+or locks\.attempt)/

/** The mistakes of others, and those that we could have made. Each must be caught. */
export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    name: 'no expiry check',
    families: ['postgres', 'sqlite'],
    caughtBy: ['holds overlap'],
    // SQLite looks first.
    breakSql: replaceSql(
      [IS_FREE, 'true'],
      ['and locks.attempt is not ? as is_held', 'and locks.attempt is ? as is_held'],
    ),
  },
  {
    name: 'no token check in release',
    families: ['postgres', 'sqlite'],
    work: ['lease by hand'],
    caughtBy: ['holds ended or came back by themselves'],
    breakSql: (sql) =>
      /relaxed|returning 1 as is_done/.test(sql) && !/attempt = (\$|\?)/.test(sql)
        ? sql.replace(/((?:locks\.)?(?:owner|token) = (?:\$\d+::\w+|\?|asked\.\w+))/g, '($1 or true)')
        : sql,
  },
  {
    name: 'the clock of the app',
    families: ['postgres'],
    caughtBy: ['holds overlap', 'tokens did not grow', 'holds ended or came back by themselves'],
    breakSql: (sql) => sql.replaceAll('(extract(epoch from clock_timestamp()) * 1000000)::bigint', `${Date.now()}000`),
  },
  {
    name: 'guard without the row lock',
    families: ['postgres'],
    work: ['guarded write', 'lock until commit'],
    caughtBy: ['late writes', 'lost updates'],
    breakSql: replaceSql(['for key share of locks', ''], ['for share of locks', '']),
  },
  {
    name: 'guard that always passes',
    families: ['postgres', 'sqlite'],
    work: ['guarded write', 'lock until commit'],
    caughtBy: ['late writes', 'lost updates'],
    breakSql: (sql) =>
      /is_current/.test(sql) ? sql.replace(/((?:locks\.)?(?:owner|token) = (?:\$\d+::\w+|\?))/g, '($1 or true)') : sql,
  },
  {
    name: 'missed wake-up',
    families: ['postgres'],
    faults: [],
    caughtBy: ['waiters that were not served'],
    breakStore: breakStore(({ wakeSource }) => (wakeSource ? { wakeSource: deaf(wakeSource) } : {})),
  },
  {
    name: 'a lost reply taken for a refusal',
    families: ['postgres'],
    work: ['lease by hand'],
    faults: ['lose an answer'],
    caughtBy: ['grants that were not usable'],
    breakStore: breakStore((store) => ({
      async tryAcquire(request) {
        try {
          const outcome = await store.tryAcquire(request)
          // The faults hit the answer to a granted try, which is not repeated, once in half a minute: too seldom to be sure of one.
          if (outcome.granted && Math.random() < 0.01) throw new StoreTrouble('unanswered', new Error('lost'))
          return outcome
        } catch (error) {
          if (error instanceof StoreTrouble) return { granted: false, freeInUs: null }
          throw error
        }
      },
    })),
  },
  {
    name: 'extend brings expired leases back',
    families: ['postgres', 'sqlite'],
    work: ['lease within a transaction', 'restored lock'],
    caughtBy: ['holds ended or came back by themselves'],
    breakSql: replaceSql(
      [/and locks\.expires_at > clock\.now\n\s*for no key update/, 'for no key update'],
      [/and expires_at > cast\(round\(unixepoch\('subsec'\) \* 1000000\) as integer\)\nreturning/, 'returning'],
    ),
  },
  {
    name: 'tokens that stay',
    families: ['postgres', 'sqlite'],
    caughtBy: ['tokens did not grow'],
    breakSql: replaceSql(
      ['greatest(locks.token + 1, clock.now)', 'locks.token'],
      ['max(locks.token + 1, excluded.token)', 'locks.token'],
    ),
  },
  {
    name: 'tokens that start anew after pruning',
    families: ['postgres', 'sqlite'],
    faults: ['pruning at full speed', 'kill a worker'],
    caughtBy: ['tokens did not grow'],
    breakSql: replaceSql(
      // A counter, as everybody writes it: one for a new row, then one more.
      ['greatest(locks.token + 1, clock.now)', 'locks.token + 1'],
      [/select (\$\d+::text, \$\d+::text, \$\d+::text), clock\.now,/, 'select $1, 1::bigint,'],
      ['select new.key, new.owner, new.attempt, clock.now', 'select new.key, new.owner, new.attempt, 1'],
      ['max(locks.token + 1, excluded.token)', 'locks.token + 1'],
      [/values \(\?, \?, \?, cast\(round\(unixepoch\('subsec'\) \* 1000000\) as integer\),/, 'values (?, ?, ?, 1,'],
    ),
  },
  {
    name: 'a local deadline that comes too late',
    families: ['postgres', 'sqlite'],
    caughtBy: ['two believe to hold', 'believed holds overlap'],
    breakProcess() {
      const now = performance.now.bind(performance)
      const startedAt = now()
      performance.now = () => startedAt + (now() - startedAt) / 3
    },
  },
  {
    name: 'renewals that are not sent',
    families: ['postgres', 'sqlite'],
    caughtBy: ['two believe to hold', 'believed holds overlap', 'holds overlap'],
    breakStore: breakStore(() => ({
      extendAll: async (renewals) => renewals.map(() => ({ kind: 'renewed', atUs: Date.now() * 1000 })),
    })),
  },
  {
    name: 'a release that is not sent',
    families: ['postgres', 'sqlite'],
    caughtBy: ['releases that did nothing'],
    breakStore: breakStore(() => ({ release: async () => true })),
  },
  {
    name: 'a lock until commit that ignores leases',
    families: ['postgres'],
    caughtBy: ['holds overlap'],
    breakSql: (sql) => (/transaction_timestamp/.test(sql) ? replaceSql([IS_FREE, 'true'])(sql) : sql),
  },
  {
    name: 'a hand-over of what is no longer held',
    families: ['postgres', 'sqlite'],
    work: ['lease run', 'lease by hand'],
    faults: ['pause a worker', 'block an event loop'],
    caughtBy: ['holds overlap', 'believed holds overlap'],
    breakSql: (sql) =>
      /is_wanted/.test(sql) && /held_by = /.test(sql)
        ? sql.replace(/((?:locks\.)?(?:owner|token) = (?:\$\d+::\w+|\?)(?=\s+(?:and|for|returning)))/g, '($1 or true)')
        : sql,
  },
  {
    name: 'a batch that mixes replies up',
    families: ['postgres'],
    work: ['leases at the same moment'],
    caughtBy: ['holds overlap', 'believed holds overlap', 'grants that were not usable', 'tokens did not grow'],
    breakSql: replaceSql(['returning tried.n,', 'returning (select max(n) from asked) - tried.n as n,']),
  },
  {
    name: 'a batch that tells twins the same',
    families: ['postgres', 'sqlite'],
    work: ['leases at the same moment'],
    caughtBy: ['holds overlap', 'believed holds overlap', 'grants that were not usable', 'tokens did not grow'],
    breakStore: breakStore((store) => {
      const asked = new Map<string, ReturnType<LockStore['tryAcquire']>>()
      return {
        tryAcquire(request) {
          const answer = asked.get(request.key) ?? store.tryAcquire(request)
          asked.set(request.key, answer)
          const forget = () => asked.delete(request.key)
          answer.then(forget, forget)
          return answer
        },
      }
    }),
  },
  {
    name: 'a batch that loses the order',
    families: ['postgres', 'sqlite'],
    work: ['leases at the same moment'],
    caughtBy: ['releases that did nothing', 'grants that were not usable', 'holds overlap', 'leftovers'],
    // What is sent again because of another call of its batch comes after the release of what it has won.
    breakStore: breakStore((store) => ({
      async release(hold) {
        const isReleased = await store.release(hold)
        const { key, owner } = hold
        await store
          .tryAcquire({ key, owner, attempt: `late ${hold.token}`, ttlUs: 3_000_000, heldBy: 'late' })
          .catch(() => {})
        return isReleased
      },
    })),
  },
  ...PRESENCE_BUILDS,
  ...SESSION_BUILDS,
]
