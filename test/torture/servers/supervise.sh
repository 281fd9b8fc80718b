# supervise.sh FOLDER
#
# Runs the command in the file FOLDER/start (each argument ended by a NUL) whenever that file appears, one at a time, and writes its process id to
# FOLDER/server.pid. Whoever wants the server to die kills that process; it stays dead until it is asked for again.
folder=$1

# Postgres is ended by QUIT, which its whole process group gets: it ends its children itself, and this trap waits for that.
trap 'exit' QUIT

while :; do
  if [ -e "$folder/start" ]; then
    mapfile -d '' -t command <"$folder/start"
    rm "$folder/start"
    (
      echo "$BASHPID" >"$folder/server.pid.new"
      mv "$folder/server.pid.new" "$folder/server.pid"
      exec "${command[@]}"
    )
  else
    sleep 0.02
  fi
done
