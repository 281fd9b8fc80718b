import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MarkdownRenderer } from 'vitepress'

/** Where `npm run docs:diagrams` puts what it draws. */
export const DRAWN = fileURLToPath(new URL('diagrams/', import.meta.url))

/** The name of a diagram's file. It changes with the source, so that nothing old is shown. */
export function drawingOf(source: string): string {
  return `${createHash('sha256').update(source.trim()).digest('hex').slice(0, 16)}.svg`
}

/**
 * Puts diagrams and pictures into the page as SVG. Diagrams were drawn before: readers load no program for it, and see no
 * empty box meanwhile. As part of the page they take its colours, light or dark.
 */
export function showDrawings(md: MarkdownRenderer): void {
  const { fence, image } = md.renderer.rules
  md.renderer.rules.fence = (tokens, index, options, env, self) => {
    const { info, content } = tokens[index]!
    if (info.trim() !== 'mermaid') return fence!(tokens, index, options, env, self)
    return `<p class="drawing">${inlined(drawn(content))}</p>\n`
  }
  md.renderer.rules.image = (tokens, index, options, env, self) => {
    const source = tokens[index]!.attrGet('src') ?? ''
    if (!/(^|\/)pictures\/.+\.svg$/.test(source)) return image!(tokens, index, options, env, self)
    return inlined(readFileSync(join(dirname(env.realPath ?? env.path), source), 'utf8'))
  }

  /** As a string for Vue, which would drop the `style` of a drawing. */
  function inlined(svg: string): string {
    return `<span v-html="${md.utils.escapeHtml(JSON.stringify(svg))}"></span>`
  }
}

function drawn(source: string): string {
  const file = `${DRAWN}${drawingOf(source)}`
  if (!existsSync(file)) throw new Error(`a diagram has not been drawn yet: npm run docs:diagrams\n${source}`)
  return readFileSync(file, 'utf8')
}
