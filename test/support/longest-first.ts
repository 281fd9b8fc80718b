import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take a minute and more. Begun last, one of them would keep a worker busy when the others have nothing left to do. */
const LONG = [
  ...['test/contract.', 'test/portable.', 'test/torture/broken/', 'test/transactions.', 'test/transfers.'],
  ...['test/session-locks.test', 'test/presence.hammer.', 'test/cli/ui.', 'test/package.'],
]

/** What takes long begins first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((part) => moduleId.includes(part))
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
