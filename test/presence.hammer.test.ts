import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ONE_OF_EACH } from './support/backends.ts'
import type { OpenBackend, TableAddress } from './support/contract-backend.ts'
import { presenceSessions } from './support/presence-sessions.ts'
import { type RunningChild, startChild } from './support/running-child.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'
import { uniqueTableName } from './support/table-name.ts'

/** 8 processes with presences, whose connections and lives are ended at random: nobody who is there is robbed, and nobody waits for a TTL. */

const PROCESSES = 8
const WORK_MS = 6_000
const COUNTERS = 4

for (const { name, family, url } of ONE_OF_EACH) {
  describe(name, () => {
    const setUp = async () => {
      const open = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      const counters = uniqueTableName('counters')
      await open.send(`create table ${counters} (id integer primary key, n integer not null)`)
      await open.send(
        `create table ${counters}_grants (id integer not null, token bigint not null, primary key (id, token))`,
      )
      for (let id = 0; id < COUNTERS; id++) await open.send(`insert into ${counters} (id, n) values (${id}, 0)`)
      const remove = async () => {
        await open.send(`drop table ${counters}`)
        await open.send(`drop table ${counters}_grants`)
        await open.close()
      }
      return { open, counters, remove }
    }

    test('holds', { timeout: 120_000 }, async () => {
      const { open, counters, remove } = await setUp()
      const workers = startWorkers(open.address as TableAddress, counters)
      try {
        const sessions = await killAtRandom(open, workers)
        const said = await workers.ended()
        expect(said.filter((line) => !line.startsWith('added'))).toEqual([])
        const count = async (text: string) => Number((await open.send(text))[0]?.n)
        const written = await count(`select count(*) as n from ${counters}_grants`)
        // Guarded: none was lost, and each grant wrote once.
        expect(await count(`select sum(n) as n from ${counters}`)).toBe(written)
        expect(written).toBeGreaterThan(50)
        expect(sessions.killed).toBeGreaterThan(0)
        expect(workers.killed()).toBeGreaterThan(0)
        if (process.env.VERROU_TELL !== undefined) {
          console.log(`${written} guarded writes, ${sessions.killed} sessions and ${workers.killed()} processes killed`)
        }
      } finally {
        workers.stop()
        await remove()
      }
    })

    test('would tell if somebody who is there counted as gone', { timeout: 60_000 }, async () => {
      const { open, counters, remove } = await setUp()
      const workers = startWorkers(open.address as TableAddress, counters, 3_000, 'too-early')
      try {
        expect((await workers.ended()).filter((line) => line.startsWith('robbed'))).not.toEqual([])
      } finally {
        workers.stop()
        await remove()
      }
    })
  })
}

/** Ends the session of whoever holds some counter, or its process, every now and then. */
async function killAtRandom(open: OpenBackend, workers: ReturnType<typeof startWorkers>): Promise<{ killed: number }> {
  const sessions = presenceSessions(open)
  let killed = 0
  await sleep(2_000)
  while (workers.areAtWork()) {
    await sleep(100 + Math.random() * 400)
    if (Math.random() < 0.3) workers.killOne()
    else {
      const session = await sessions.sessionOf(`counter ${Math.floor(Math.random() * COUNTERS)}`)
      if (session === null) continue
      await sessions.kill(session)
      killed++
    }
  }
  return { killed }
}

function startWorkers(address: TableAddress, counters: string, workMs = WORK_MS, ...more: string[]) {
  const endMs = performance.now() + 2_000 + workMs
  const running = new Set<RunningChild>()
  const said: string[] = []
  let killed = 0
  let isOver = false
  const start = () => {
    const leftMs = endMs - performance.now()
    if (isOver || leftMs < 500) return
    const child = startChild('presence-hammer.ts', [JSON.stringify(address), counters, String(leftMs), ...more])
    running.add(child)
    void child.ended.then((how) => {
      running.delete(child)
      const lines = child.output().split('\n')
      // The last line of one that was killed may be cut off.
      if (how === 'SIGKILL') lines.pop()
      said.push(...lines.filter(Boolean))
      if (how === 'SIGKILL') start()
      else if (how !== 0) said.push(`ended with ${how}`)
    })
  }
  for (let worker = 0; worker < PROCESSES; worker++) start()
  return {
    areAtWork: () => performance.now() < endMs,
    killed: () => killed,
    killOne() {
      const all = [...running]
      if (all[Math.floor(Math.random() * all.length)]?.process.kill('SIGKILL')) killed++
    },
    async ended(): Promise<string[]> {
      while (running.size > 0) await sleep(20)
      return said
    },
    stop() {
      isOver = true
      for (const child of running) child.process.kill('SIGKILL')
    },
  }
}

test.runIf(ONE_OF_EACH.length === 0)('nothing to test: no server is selected', () => {})
