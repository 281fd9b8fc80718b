# guard.sh SIGNAL FOLDER COMMAND...
#
# Runs COMMAND until it ends or this script's standard input closes, whichever comes first; then removes FOLDER.
#
# The other end of standard input is held by the test run alone, and the kernel closes it however that run ends: teardown, Ctrl-C,
# a crash, SIGKILL. So no server outlives its run, and only a process that this very script started is ever signalled.
signal=$1 folder=$2
shift 2

# A command put into the background loses its standard input, hence the copy.
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
# Nothing is ever written to the pipe: read returns when it closes.
(read -r _ <&3; kill -s "$signal" "$server") 2>/dev/null &
watcher=$!
exec 3<&-

wait "$server"
code=$?
kill "$watcher" 2>/dev/null
rm -rf "$folder"
exit "$code"
