import { expect, test } from 'vitest'
import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory, type LockStore, Verrou, type WakeupTrouble } from '../../src/index.ts'
import { changedStore } from '../support/changed-store.ts'

/** A store that tells of trouble when it is told to. */
function troubledStore() {
  const listeners = new Set<(trouble: WakeupTrouble) => void>()
  const wakeSource: LockStore['wakeSource'] = {
    isHearing: false,
    subscribe: () => () => {},
    onTrouble(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const { store } = changedStore(() => ({ wakeSource }))
  const trouble: WakeupTrouble = { reason: 'deaf', message: 'nothing arrives' }
  const tell = () => {
    for (const listener of listeners) listener(trouble)
  }
  return { store, trouble, tell, listeners }
}

test('listeners hear of trouble with wake-ups, one that throws hurts nobody, and they can leave', () => {
  const { store, trouble, tell, listeners } = troubledStore()
  const heard: WakeupTrouble[] = []
  const locks = new LockFactory(store)
  locks.on('wakeup-degraded', () => {
    throw new Error('a bug of the listener')
  })
  const leave = locks.on('wakeup-degraded', (event) => heard.push(event))
  tell()
  expect(heard).toEqual([trouble])
  leave()
  tell()
  expect(heard).toHaveLength(1)
  expect(listeners.size).toBe(1)
})

test('a Verrou listens to all its stores', () => {
  const [one, other] = [troubledStore(), troubledStore()]
  const verrou = new Verrou({
    default: 'one',
    stores: { one: { driver: one.store }, other: { driver: other.store }, memory: { driver: memoryStore() } },
  })
  let heard = 0
  const leave = verrou.on('wakeup-degraded', () => heard++)
  one.tell()
  other.tell()
  expect(heard).toBe(2)
  leave()
  expect(one.listeners.size + other.listeners.size).toBe(0)
})
