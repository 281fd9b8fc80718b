// Names each page of the API reference as an import names it: `verrou-sql/drivers/pg`, not `src/drivers/pg`.
import { readFileSync } from 'node:fs'
import { Converter, ReflectionKind } from 'typedoc'

const { name, exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** The name of an entry point by its file: `src/drivers/pg` → `verrou-sql/drivers/pg`. */
const names = new Map(
  Object.entries(exports)
    .filter(([, { types }]) => types !== undefined)
    .map(([entry, { types }]) => [types.replace('./dist/', '').replace(/\.d\.ts$/, ''), entry.replace('.', name)]),
)

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      module.name = names.get(`src/${module.name}`) ?? names.get(module.name) ?? module.name
    }
  })
}
