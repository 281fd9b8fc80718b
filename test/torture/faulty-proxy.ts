/** Stands between one worker and the server. (Being written.) */
export interface FaultyProxy {
  readonly port: number
}
