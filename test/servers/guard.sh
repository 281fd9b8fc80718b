# guard.sh server|step SIGNAL FOLDER COMMAND...
#
# Runs COMMAND until it ends or this script's standard input closes, whichever comes first; then removes FOLDER, unless COMMAND
# was a step towards a server, has succeeded, and the server is still wanted.
#
# The other end of standard input is held by the test run alone, and the kernel closes it however that run ends: teardown, Ctrl-C,
# a crash, SIGKILL. So no server outlives its run, and only processes that this very script started are ever signalled.
kind=$1 signal=$2 folder=$3
shift 3

# Every background command becomes a process group, which is signalled as a whole: a step may be a script with children.
set -m

# Background commands lose standard input, hence the copy. Output is for COMMAND alone: the shell itself reports how jobs end, and
# with the test run gone, writing that would end this script before its time.
exec 3<&0 4>&1 5>&2 >/dev/null 2>&1

"$@" </dev/null >&4 2>&5 3<&- 4>&- 5>&- &
command=$!
exec 4>&- 5>&-
# Nothing is ever written to the pipe: read returns when it closes.
(read -r _ <&3; kill -s "$signal" -- "-$command"; sleep 5; kill -s KILL -- "-$command") &
watcher=$!

wait "$command"
code=$?
kill -s KILL -- "-$watcher"
# Children that a step has left behind would still write into the folder. After some tries they are as good as gone: only a
# container whose first process buries nobody still counts the dead.
for _ in {1..20}; do
  kill -s KILL -- "-$command" || break
  sleep 0.05
done

# At the closed end of a pipe there is something to read: its end.
is_wanted() { ! read -r -t 0 -u 3; }
[ "$kind" = step ] && [ "$code" -eq 0 ] && is_wanted || rm -rf "$folder"
exit "$code"
