// Two ways to lock: a decorator for a whole handler, and an injected LockFactory.
import { setTimeout as sleep } from 'node:timers/promises'
import { Controller, Get, Inject, Param, Post } from '@nestjs/common'
import { LockFactory } from 'verrou-sql'
import { Locked } from './locked.js'

@Controller('invoices')
export class InvoicesController {
  readonly #locks: LockFactory

  constructor(@Inject(LockFactory) locks: LockFactory) {
    this.#locks = locks
  }

  @Post(':id/bill')
  @Locked('invoice:{id}')
  async bill(@Param('id') id: string): Promise<{ billed: string }> {
    await sleep(300) // stands for the work
    return { billed: id }
  }

  @Post(':id/remind')
  @Locked('invoice:{id}', { wait: '5s' })
  async remind(@Param('id') id: string): Promise<{ reminded: string }> {
    return { reminded: id }
  }

  @Get(':id')
  async show(@Param('id') id: string): Promise<{ isBusy: boolean }> {
    return { isBusy: await this.#locks.createLock(`invoice:${encodeURIComponent(id)}`).isLocked() }
  }
}
