// Writes docs/errors.md from the catalogue in src/errors.ts.
import { CATALOGUE, errors, type LockErrorCode } from '../src/errors.ts'
import { type GeneratedFiles, writeGenerated } from './repository.ts'

const INTRODUCTION = `<!-- Generated from src/errors.ts by \`npm run generate\`: do not edit. -->

# Errors

Every error of the library is a \`LockError\` with a stable \`code\`. Look at the code, not at the message:
\`isLockError(error, 'E_LOCK_LOST')\` or \`error instanceof errors.E_LOCK_LOST\`. \`error.retryable\` says whether the same
call can succeed later without a change of code, options or schema; \`error.cause\` is the error that led to this one, for
storage errors that of the database driver; \`error.details\` are facts for logs, without credentials or owner ids.

A call that was given an \`AbortSignal\` rejects with the signal's own reason, which is not a \`LockError\`.
`

/** `docs/errors.md`. */
export function errorFiles(): GeneratedFiles {
  const codes = Object.keys(CATALOGUE) as LockErrorCode[]
  const contents = codes.map((code) => `- [\`${code}\`](#${code.toLowerCase()})`).join('\n')
  return new Map([['docs/errors.md', [INTRODUCTION, `${contents}\n`, ...codes.map(section)].join('\n')]])
}

function section(code: LockErrorCode): string {
  const { says, remedy, retryable } = CATALOGUE[code]
  const others = Object.keys(errors).filter((name) => name !== code && errors[name as LockErrorCode] === errors[code])
  const alsoCalled = others.length > 0 ? ` Also called ${others.map((name) => `\`${name}\``).join(', ')}.` : ''
  return `## ${code}

${says}${alsoCalled}

- What to do: ${remedy}
- Retryable: ${retryable ? 'yes' : 'no'}
`
}

if (import.meta.main) writeGenerated(errorFiles())
