// Writes api.md: the declarations of everything that users can import. A change of it is a change for users.
import { type EntryPoint, type PublicSurface, publishedText, readPublicSurface } from './public-surface.ts'
import { type GeneratedFiles, writeGenerated } from './repository.ts'

const INTRODUCTION = `<!-- Generated from the sources by \`npm run generate\`: do not edit. -->

# Public API

What every entry point exports, as TypeScript sees it. The explanations are in the sources, and in your editor.
`

/** `api.md`. */
export function apiFiles(surface: PublicSurface): GeneratedFiles {
  return new Map([['api.md', [INTRODUCTION, ...surface.entryPoints.map((one) => section(surface, one))].join('\n')]])
}

function section(surface: PublicSurface, { specifier, symbols }: EntryPoint): string {
  const sorted = symbols.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const declarations = sorted.map((symbol) => publishedText(surface, symbol))
  return `## ${specifier}\n\n\`\`\`ts\n${declarations.join('\n\n')}\n\`\`\`\n`
}

if (import.meta.main) writeGenerated(apiFiles(readPublicSurface()))
