#!/bin/sh
# How a Galera node that joins gets its data when all nodes are on one machine: by a copy of the donor's folder. MariaDB calls it by name
# (wsrep_sst_method=copy) on both sides. Its own methods need rsync or mariabackup, and sixty other programs around them.
# What is read and printed: https://mariadb.com/kb/en/manual-sst-of-galera-cluster-node-with-mariabackup/ and wsrep_sst_rsync.
while [ $# -gt 0 ]; do
  case $1 in
    --role) role=$2 && shift ;;
    --address) address=$2 && shift ;;
    --datadir) data=$2 && shift ;;
    --gtid) position=$2 && shift ;;
    # The joiner lacks so little that the servers pass it on themselves.
    --bypass) is_incremental=1 ;;
  esac
  shift
done

# until_there FILE: fails when the server has died meanwhile.
until_there() {
  until [ -e "$1" ]; do
    kill -0 "$PPID" 2>/dev/null || exit 32
    sleep 0.02
  done
}

if [ "$role" = joiner ]; then
  inbox=$(mktemp -d "${data%/}-XXXXXX")
  echo "ready $inbox"
  until_there "$inbox/position"
  if [ -d "$inbox/data" ]; then
    find "$data" -mindepth 1 -maxdepth 1 ! -name 'galera.cache' ! -name 'gvwstate.dat' ! -name 'grastate.dat' -exec rm -r {} +
    mv "$inbox"/data/* "$data"
  fi
  cat "$inbox/position"
  rm -r "$inbox"
else
  if [ -z "$is_incremental" ]; then
    rm -f "$data/tables_flushed"
    echo 'flush tables'
    until_there "$data/tables_flushed"
    rm "$data/tables_flushed"
    mkdir "$address/data"
    find "$data" -mindepth 1 -maxdepth 1 \( -type d -o -name 'ib*' -o -name 'undo*' -o -name 'aria_log*' \) ! -name 'ibtmp*' -exec cp -R {} "$address/data" \;
    echo continue
  fi
  echo "$position" >"$address/position.new"
  mv "$address/position.new" "$address/position"
  echo "done $position"
fi
