import type { Bench } from '../bench.ts'
import type { Findings } from '../report/results.ts'

/** One question of the benchmark. */
export interface Scenario {
  readonly id: string
  readonly title: string
  /** What is done, by whom, on what. */
  readonly measures: string
  /** What the numbers mean for a user. */
  readonly means: string
  /** @throws NotRun where nothing of it can be measured. */
  run(bench: Bench): Promise<Findings>
}
