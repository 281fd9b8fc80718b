interface WebResponse {
  status(code: number): WebResponse
  json(body: unknown): void
}

type Handler = (request: { readonly body: unknown }, response: WebResponse) => Promise<void>

const response: WebResponse = { status: () => response, json: () => {} }

/** Stands for the reader's web framework in the examples of the documentation: every route gets one request at once. */
export const router = {
  post: (_path: string, handler: Handler): void => void handler({ body: {} }, response),
}
