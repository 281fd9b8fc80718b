/** Pages of the site that are files of the repository's root: by the page's path, the file. */
export const INCLUDED_PAGES: Readonly<Record<string, string>> = {
  'project/contributing.md': 'CONTRIBUTING.md',
  'project/changelog.md': 'CHANGELOG.md',
  'project/reporting.md': 'SECURITY.md',
}
