/** How bad a finding is, from best to worst. `unchecked`: nobody knows, for the reason that it tells. */
export const LEVELS = ['ok', 'note', 'unchecked', 'warning', 'problem'] as const

/** See {@link LEVELS}. */
export type Level = (typeof LEVELS)[number]

/** One thing that a check has to say. */
export interface Remark {
  readonly level: Level
  /** What was seen. */
  readonly what: string
  /** What follows from it. */
  readonly why?: string
  /** What to do. */
  readonly todo?: string
}

/** A remark, with the name of its check: the anchor of its section in the runbook. */
export interface Finding extends Remark {
  readonly check: string
}

/** All is well. */
export function ok(what: string): Remark {
  return { level: 'ok', what }
}

/** Worth knowing; nothing has to be done. */
export function note(what: string, why?: string, todo?: string): Remark {
  return remark('note', what, why, todo)
}

/** Works, but worse than it should, or not when something else goes wrong. */
export function warning(what: string, why: string, todo: string): Remark {
  return remark('warning', what, why, todo)
}

/** Locks do not work, or do not keep what they promise. */
export function problem(what: string, why: string, todo: string): Remark {
  return remark('problem', what, why, todo)
}

/** Could not be found out. */
export function unchecked(reason: string, todo?: string): Remark {
  return remark('unchecked', `not checked: ${reason}`, undefined, todo)
}

function remark(level: Level, what: string, why: string | undefined, todo: string | undefined): Remark {
  return { level, what, ...(why === undefined ? {} : { why }), ...(todo === undefined ? {} : { todo }) }
}
