// One process of the benchmark: forked by crew.ts, which tells it what to open and then what to do. Its end is that of the channel.
import { failureReason } from '../../test/servers/failure-reason.ts'
import { NotRun } from '../not-run.ts'
import type { OpenPeer } from '../peers/peer.ts'
import { PEERS } from '../peers/peers.ts'
import { carryOut } from './carry-out.ts'
import type { Opening, Order, Reply } from './orders.ts'

// Ctrl-C reaches everybody in the terminal; the first process tidies up, and ends the others.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())

let peer: OpenPeer | undefined

process.on('message', (message: Opening | Order | 'close') => {
  answer(message).then(reply, (error) => {
    reply({ kind: 'failed', reason: failureReason(error), isNotRun: error instanceof NotRun })
  })
})

async function answer(message: Opening | Order | 'close'): Promise<Reply> {
  if (message === 'close') {
    await peer?.close()
    return { kind: 'ready' }
  }
  if ('kind' in message) {
    if (peer === undefined) throw new Error('nothing was opened')
    return { kind: 'done', done: await carryOut(message, peer) }
  }
  const { open } = await PEERS[message.peer]()
  peer = await open(message)
  return { kind: 'ready' }
}

function reply(said: Reply): void {
  process.send?.(said)
}
