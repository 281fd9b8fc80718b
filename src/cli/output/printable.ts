import { quoted } from '../../describe-value.ts'

/**
 * A text from elsewhere, such as a key, for a terminal: what a terminal would obey or not show (escape codes, line ends, marks of
 * direction) is written as `\u…`.
 */
export function printable(text: string): string {
  return quoted(text).slice(1, -1)
}
