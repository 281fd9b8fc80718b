import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between a driver and its server, and resets connections: what a firewall or a server that was turned off does. */
export async function resettingProxy(target: string): Promise<{ url: string; reset(): void; close(): void }> {
  const { hostname: host, port } = new URL(target)
  const clients = new Set<Socket>()
  const proxy = createServer((client) => {
    clients.add(client)
    const server = connect({ host, port: Number(port) })
    client.pipe(server).pipe(client)
    client.on('close', () => server.destroy())
    for (const socket of [client, server]) socket.on('error', () => {})
  })
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening))
  const url = new URL(target)
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return {
    url: url.href,
    reset() {
      for (const client of clients) client.resetAndDestroy()
      clients.clear()
    },
    close: () => void proxy.close(),
  }
}
