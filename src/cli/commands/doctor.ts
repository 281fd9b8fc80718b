import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { connect } from '../connect.ts'
import { type DatabaseOptions, databaseCommand } from '../database-command.ts'
import type { Level } from '../doctor/finding.ts'
import { printFindings } from '../doctor/print-findings.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { printJson } from '../output/print-json.ts'
import { openScreen } from '../output/screen.ts'

interface DoctorOptions extends DatabaseOptions {
  readonly strict?: boolean
}

const CLOSE_MS = 1_000

/** `verrou doctor`: looks at the database, and says what to do about what it finds. */
export function doctorCommand(): Command {
  return databaseCommand('doctor')
    .description('looks whether the database is fit for locks, and says what to do about what it finds')
    .option('--strict', 'warnings count as problems')
    .note(
      'It reads only, within a few seconds. What this user may not look at is "not checked". The runbook (docs/guide/runbook.md) has a section for each check.',
    )
    .note('Exits with 1 when there is a problem (with --strict: or a warning), with 0 when there is none.')
    .endsWith('NO')
    .example('verrou doctor', 'looks at everything')
    .example('verrou doctor --json', 'the same, for machines')
    .action((options: DoctorOptions) => doctor(options))
}

async function doctor(options: DoctorOptions): Promise<void> {
  // Other commands start sooner without it.
  const { openPatient } = await import('../doctor/open-patient.ts')
  const { examine } = await import('../doctor/examine.ts')
  const connection = await connect(options)
  const findings = await examine(await openPatient(connection))
  const bad: readonly Level[] = options.strict ? ['problem', 'warning'] : ['problem']
  const isFit = !findings.some(({ level }) => bad.includes(level))
  if (options.json) printJson({ database: connection.url, isFit, findings })
  else printFindings(findings, openScreen())
  if (!isFit) process.exitCode = EXIT_CODES.NO.code
  // A server that has stopped answering does not answer this, either; the end of the process closes what is left.
  await Promise.race([connection.close(), sleep(CLOSE_MS)])
}
