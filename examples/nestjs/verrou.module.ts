// A module for NestJS: LockFactory can be injected everywhere, and closes when the app does.
import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common'
import { LockFactory, type LockFactoryOptions, type LockStore } from 'verrou-sql'

export interface VerrouModuleOptions extends LockFactoryOptions {
  readonly store: LockStore
}

@Module({})
export class VerrouModule implements OnApplicationShutdown {
  readonly #locks: LockFactory

  constructor(@Inject(LockFactory) locks: LockFactory) {
    this.#locks = locks
  }

  static forRoot({ store, ...defaults }: VerrouModuleOptions): DynamicModule {
    return {
      module: VerrouModule,
      global: true,
      providers: [{ provide: LockFactory, useFactory: () => new LockFactory(store, defaults) }],
      exports: [LockFactory],
    }
  }

  /** After the HTTP server has answered its last request, if `app.enableShutdownHooks()` was called. */
  async onApplicationShutdown(): Promise<void> {
    await this.#locks.close()
  }
}
