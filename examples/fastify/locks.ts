// A plugin for Fastify: `fastify.locks`, which close with the server.
import fastifyPlugin from 'fastify-plugin'
import { LockFactory, type LockFactoryOptions, type LockStore } from 'verrou-sql'

declare module 'fastify' {
  interface FastifyInstance {
    readonly locks: LockFactory
  }
}

export interface LocksOptions {
  readonly store: LockStore
  /** Defaults for every lock. */
  readonly defaults?: LockFactoryOptions
}

export const locks = fastifyPlugin<LocksOptions>(
  async (fastify, { store, defaults }) => {
    const factory = new LockFactory(store, defaults)
    fastify.decorate('locks', factory)
    // Fastify calls this when the last request has been answered: nothing that is still at work loses its lock.
    fastify.addHook('onClose', () => factory.close())
  },
  { name: 'locks', fastify: '5.x' },
)
