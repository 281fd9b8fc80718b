import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isLoopbackAddress } from './loopback.ts'
import { UiAccess } from './ui-access.ts'
import { type Shown, UiPages } from './ui-pages.ts'

/** What {@link startUi} shows, and where. */
export interface UiOptions extends Shown {
  /** A loopback address, or `localhost`. */
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

/** A server that was started. */
export interface Ui {
  /** With the token: good for one use. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves the page, on this machine only.
 *
 * @throws Error when the address is taken, or is none of this machine's own
 */
export async function startUi(options: UiOptions): Promise<Ui> {
  const server = createServer()
  const { address, port } = await listen(server, options)
  if (!isLoopbackAddress(address)) {
    server.close()
    throw new Error(`${options.host} is ${address}, which others can reach`)
  }
  const pages = new UiPages(options, new UiAccess(port))
  server.on('request', (request, response) => void pages.answer(request, response))
  const name = address.includes(':') ? `[${address}]` : address
  return {
    url: `http://${name}:${port}/?token=${pages.access.linkToken}`,
    close: async () => {
      pages.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

function listen(server: Server, { host, port }: UiOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server.address() as AddressInfo))
  })
}
