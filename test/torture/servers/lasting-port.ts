import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * A port for a server that goes away and comes back. Not one that the operating system chooses: it would take those for outgoing
 * connections as well (from 32768 on), and sooner or later the server would find its own port in use.
 */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
