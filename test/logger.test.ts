import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { expect, test } from 'vitest'
import { memoryStore } from '../src/drivers/memory.ts'
import { LockFactory, type LockStore, type Logger, StoreTrouble, Verrou, type WakeupTrouble } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { changedStore } from './support/changed-store.ts'

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 }

/** A real pino, and the lines that it has written. */
function pinoLines(level = 'debug') {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const logger = pino({ level, base: { app: 'shop' } }, stream)
  return { logger, lines, brief: () => lines.map(({ level, msg, key }) => [level, msg, key]) }
}

test('a lock that is taken and given back is two lines at debug, of a child of the logger', async () => {
  const { logger, lines, brief } = pinoLines()
  const verrou = new Verrou({ default: 'memory', stores: { memory: { driver: memoryStore() } }, logger })
  const lock = verrou.createLock('invoice:42')
  await lock.acquire()
  await lock.extend()
  await verrou.createLock('invoice:42').acquireImmediately()
  await lock.release()
  const { debug } = LEVELS
  expect(brief()).toEqual([
    [debug, 'lock acquired', 'invoice:42'],
    [debug, 'lock extended', 'invoice:42'],
    [debug, 'lock refused', 'invoice:42'],
    [debug, 'lock released', 'invoice:42'],
  ])
  expect(lines[0]).toMatchObject({ pkg: 'verrou-sql', app: 'shop', kind: 'lease', ttlMs: 30_000, tries: 1 })
  expect(JSON.stringify(lines)).not.toContain(lock.getOwner())
})

test('what somebody should look at is a warning, and a database without an answer an error with its stack', async () => {
  const down = () => Promise.reject(new StoreTrouble('failed', new Error('permission denied')))
  const { logger, lines, brief } = pinoLines('info')
  const { store } = changedStore((real) => ({
    tryAcquire: (request) => (request.key === 'down' ? down() : real.tryAcquire(request)),
  }))
  const locks = new LockFactory(store, { logger })
  await rejection(
    locks.createLock('slow', 100).run(() => sleep(150)),
    'E_LOCK_LOST',
  )
  await locks.createLock('stuck').forceRelease()
  await rejection(locks.createLock('down').acquire(), 'E_LOCK_STORAGE_ERROR')
  const { warn, error } = LEVELS
  expect(brief()).toEqual([
    [warn, 'lock lost', 'slow'],
    [warn, 'work went on after its lock was over', 'slow'],
    [warn, 'lock released by force', 'stuck'],
    [error, 'the database could not answer', 'down'],
  ])
  expect(lines[0]).toMatchObject({ reason: 'expired' })
  expect(lines[3]).toMatchObject({
    action: 'acquire',
    code: 'E_LOCK_STORAGE_ERROR',
    err: { type: 'LockError', stack: expect.stringContaining('permission denied') },
  })
})

test('waiters that poll are a warning, until they hear again; a closed factory logs nothing more', async () => {
  let tell = (_trouble: WakeupTrouble) => {}
  let recover = () => {}
  const wakeSource: LockStore['wakeSource'] = {
    isHearing: false,
    subscribe: () => () => {},
    onTrouble(listener) {
      tell = listener
      return () => {
        tell = () => {}
      }
    },
    onRecovery(listener) {
      recover = () => listener({ degradedMs: 9 })
      return () => {
        recover = () => {}
      }
    },
  }
  const { store } = changedStore(() => ({ wakeSource }))
  const { logger, lines } = pinoLines()
  const locks = new LockFactory(store, { logger })
  const trouble: WakeupTrouble = { reason: 'disconnected', message: 'try this', cause: new Error('reset') }
  tell(trouble)
  recover()
  await locks.close()
  tell(trouble)
  expect(lines).toMatchObject([
    { level: LEVELS.warn, reason: 'disconnected', hint: 'try this', err: { message: 'reset' } },
    { level: LEVELS.info, degradedMs: 9 },
  ])
  expect(lines).toHaveLength(2)
})

test('a logger without children, such as the console, is used as it is; one that throws hurts nobody', async () => {
  const said: string[] = []
  const say = (_facts: object, message: string) => void said.push(message)
  await new LockFactory(memoryStore(), { logger: { debug: say, info: say, warn: say, error: say } })
    .createLock('k')
    .run(() => {})
  expect(said).toEqual(['lock acquired', 'lock released'])

  const broken = () => {
    throw new Error('the disk is full')
  }
  const locks = new LockFactory(memoryStore(), { logger: { debug: broken, info: broken, warn: broken, error: broken } })
  expect(await locks.createLock('k').run(() => 'done')).toEqual([true, 'done'])
})

test.each<[string, unknown, RegExp]>([
  ['no object', 'pino', /^`logger` must be a logger such as pino\(\), with debug, info, warn, error; got "pino"/],
  ['half a logger', { info() {} }, /^`logger` must be a logger such as pino\(\)/],
  ['null', null, /^`logger` must be a logger such as pino\(\)/],
  [
    'one whose children are none',
    { debug() {}, info() {}, warn() {}, error() {}, child: () => ({}) },
    /^`logger` must be a logger whose `child` makes loggers, too/,
  ],
])('%s is refused as a logger', (_name, logger, message) => {
  expect(() => new LockFactory(memoryStore(), { logger: logger as Logger })).toThrow(message)
})

test('the types of pino and of the console are those of a logger', () => {
  const loggers: Logger[] = [pino({ enabled: false }), console]
  expect(loggers).toHaveLength(2)
})
