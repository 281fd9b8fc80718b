/** Where a test server is, and how the store on it is made. */
export interface ServerAddress {
  /** For a driver. */
  readonly url: string
  readonly portable: boolean | undefined
}

/** Takes the options of the store out of a URL: `?portable=true`. Workers get it with the rest of their address. */
export function serverAddress(text: string): ServerAddress {
  if (!text.includes('portable=')) return { url: text, portable: undefined }
  const url = new URL(text)
  const portable = url.searchParams.get('portable') === 'true'
  url.searchParams.delete('portable')
  return { url: url.href, portable }
}
