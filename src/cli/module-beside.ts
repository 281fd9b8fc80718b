import { extname } from 'node:path'

/** The file of a module in the same folder, to be run as a process: `.ts` in the sources, `.js` in the package. @param importer `import.meta.url` */
export function moduleBeside(name: string, importer: string): URL {
  return new URL(`./${name}${extname(importer)}`, importer)
}
