/** Stands for the reader's own work in the examples of the documentation. */
export async function doSomething(options: { signal?: AbortSignal } = {}): Promise<string> {
  options.signal?.throwIfAborted()
  return 'done'
}
