// The API reference: a page for each entry point of the package, written into docs/reference/api/, which git ignores.
import { readFileSync } from 'node:fs'

const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const built = Object.values(exports).filter(({ types }) => types !== undefined)

/** @type {Partial<import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions>} */
export default {
  plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme', './name-entry-points.mjs'],
  entryPoints: built.map(({ types }) => types.replace('./dist/', '../../').replace(/\.d\.ts$/, '.ts')),
  tsconfig: '../../tsconfig.build.json',
  docsRoot: '..',
  out: '../reference/api',
  readme: 'none',
  // Which address the repository has is not known here; the sources are pages of the site.
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  router: 'member',
  hideBreadcrumbs: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  useCodeBlocks: true,
  validation: { invalidLink: true, notExported: false },
  treatValidationWarningsAsErrors: true,
}
