import { setImmediate } from 'node:timers/promises'
import type { Wording } from '../../src/executors/executor.ts'
import type { Hearer, HearingConnection } from '../../src/executors/reopening-connection.ts'
import type { Answer } from '../../src/statement.ts'

const NOTHING: Answer = { rows: [], affectedRows: 0, insertId: 0 }

/** A session of Postgres, as much as listening sees of it, whose trouble a test decides. */
export class ScriptedConnection implements HearingConnection {
  readonly hearers = new Set<Hearer>()
  /** The first word of each statement that was sent. */
  readonly sent: string[] = []
  isOpen = false
  isListening = false
  /** Statements are rejected: the server is down. */
  isDown = false
  /** Statements have no answer: the network is silent. */
  isMute = false
  /** Notifications are not delivered, though the session listens: a pooler. */
  isDeaf = false

  async execute({ sql }: Wording, _values: readonly unknown[], withinMs: number): Promise<Answer> {
    // A courtesy that nothing depends on.
    if (sql.includes('tcp_keepalives')) return NOTHING
    const word = sql.split(' ')[0] as string
    this.sent.push(word)
    await setImmediate()
    if (this.isDown) throw new Error('down')
    if (this.isMute) throw this.lose(new Error(`no answer within ${withinMs}`))
    this.isOpen = true
    if (word === 'listen') this.isListening = true
    if (word === 'unlisten') this.isListening = false
    return word === 'select' && this.isListening ? { ...NOTHING, rows: [{ channel: 'c' }] } : NOTHING
  }

  hear(hearer: Hearer): () => void {
    this.hearers.add(hearer)
    return () => this.hearers.delete(hearer)
  }

  async close(): Promise<void> {}

  /** The session is gone. */
  lose(cause: Error = new Error('lost')): Error {
    this.isOpen = false
    this.isListening = false
    for (const hearer of [...this.hearers]) hearer.lost(cause)
    return cause
  }

  /** What `pg_notify` does. */
  notify(channel: string, payload: string): void {
    if (!this.isListening || this.isDeaf) return
    for (const hearer of [...this.hearers]) hearer.notified(channel, payload)
  }

  count(word: string): number {
    return this.sent.filter((one) => one === word).length
  }
}
