import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Chance out of a seed: the same seed draws the same. */
export class Random {
  readonly #generator: ReturnType<typeof xoroshiro128plus>

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed)
  }

  /** A whole number, both ends included. */
  integer(least: number, most: number): number {
    return uniformInt(this.#generator, least, most)
  }

  /** True in so many of a hundred. */
  percent(chance: number): boolean {
    return this.integer(1, 100) <= chance
  }

  pick<One>(all: readonly One[]): One {
    const one = all[this.integer(0, all.length - 1)]
    if (one === undefined) throw new Error('there is nothing to pick from')
    return one
  }

  /** One of those that have a weight, the heavier the likelier. */
  weighted<One extends { readonly weight: number }>(all: readonly One[]): One {
    let left = this.integer(
      1,
      all.reduce((sum, { weight }) => sum + weight, 0),
    )
    for (const one of all) {
      left -= one.weight
      if (left <= 0) return one
    }
    throw new Error('there is nothing to pick from')
  }
}
