// The process beside `verrou run` that watches over the command: see Supervision. It shows the holder of the lock by a pipe that it is there.
import { monotonicMs } from './monotonic-ms.ts'
import { Supervision } from './supervision.ts'
import type { FromSupervisor, ToSupervisor } from './supervisor-messages.ts'

let supervision: Supervision | undefined

process.on('message', (message: ToSupervisor) => {
  if (message.kind !== 'start') return supervision?.hear(message)
  const { deadlineMs, leadMs } = message
  if (deadlineMs !== null && deadlineMs - leadMs <= monotonicMs()) return tell({ kind: 'expired' })
  try {
    supervision = new Supervision(message, tell)
  } catch (error) {
    const { code, message: text } = error as NodeJS.ErrnoException
    tell({ kind: 'failed', code: String(code), message: text })
  }
})

process.on('disconnect', () => {
  if (supervision) supervision.loseHolder()
  else process.exit()
})

// Whoever means the holder, and ends all that has its name, means the command, too.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)
  process.on(signal, () => supervision?.hear({ kind: 'end' }))

function tell(message: FromSupervisor): void {
  const exitIfLast = () => {
    if (message.kind !== 'started') process.exit()
  }
  if (process.connected) process.send?.(message, exitIfLast)
  else exitIfLast()
}
