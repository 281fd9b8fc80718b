// @Locked('invoice:{id}'): one request at a time for each invoice, in all instances of the app.
import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  type NestInterceptor,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { from, lastValueFrom, type Observable } from 'rxjs'
import { LockFactory } from 'verrou-sql'

export interface LockedOptions {
  /** Default: '30s'. The lock is kept alive while the handler works: this only says when others go on after a crash. */
  readonly ttl?: number | string
  /** How long a request waits for its turn. Default: not at all. */
  readonly wait?: number | string
}

interface LockedMetadata extends LockedOptions {
  readonly key: string
}

interface HttpRequest {
  readonly params: Readonly<Record<string, string>>
}

const LOCKED = 'verrou-sql:locked'
const LOCKED_STATUS = 423

@Injectable()
class LockedInterceptor implements NestInterceptor {
  readonly #locks: LockFactory
  readonly #reflector: Reflector

  constructor(@Inject(LockFactory) locks: LockFactory, @Inject(Reflector) reflector: Reflector) {
    this.#locks = locks
    this.#reflector = reflector
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return from(this.#runLocked(context, next))
  }

  async #runLocked(context: ExecutionContext, next: CallHandler): Promise<unknown> {
    const { key, ttl = '30s', wait = 0 } = this.#reflector.get<LockedMetadata>(LOCKED, context.getHandler())
    const http = context.switchToHttp()
    const lock = this.#locks.createLock(filledIn(key, http.getRequest<HttpRequest>()), ttl)
    const handle = () => lastValueFrom(next.handle(), { defaultValue: undefined })
    const [acquired, result] = await lock.run(handle, { retry: { timeout: wait }, keepAlive: true })
    if (acquired) return result
    http.getResponse<{ header(name: string, value: string): unknown }>().header('retry-after', '1')
    throw new HttpException('somebody else is at it', LOCKED_STATUS)
  }
}

/** Runs a handler under the lock of that key, or answers 423. `{name}` stands for a parameter of the route. */
export function Locked(key: string, options: LockedOptions = {}): MethodDecorator {
  return applyDecorators(SetMetadata(LOCKED, { key, ...options }), UseInterceptors(LockedInterceptor))
}

/** Escaped, so that no parameter can end in the name of another lock. */
function filledIn(key: string, { params }: HttpRequest): string {
  return key.replace(/\{(\w+)\}/g, (_placeholder, name: string) => {
    const value = params[name]
    if (value === undefined) throw new Error(`the route has no parameter "${name}", which the lock ${key} needs`)
    return encodeURIComponent(value)
  })
}
