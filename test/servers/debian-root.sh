#!/bin/bash
# Usage: debian-root.sh SUITE FOLDER PACKAGE...      for example: debian-root.sh sid .cache/mysql mysql-server-core
#
# Unpacks packages of a Debian suite, with everything they depend on, into FOLDER. Nothing is installed: no install script runs, the
# system's own package lists stay as they are, and root is not needed. The programs in FOLDER are started through FOLDER's own loader
# (see unpacked-debian.ts), because their C library is newer than the machine's.
#
# FOLDER appears all at once or not at all: the work is done beside it and renamed at the end, so that a download cut short can
# never pass for a finished one.
set -euo pipefail

suite=$1 folder=$2
shift 2
packages=("$@")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() { echo "$1" >&2; exit 1; }

# The archive this machine already uses, so that a mirror or proxy set up for apt is respected; any Debian archive has every suite.
debian_archive() {
  local archive
  archive=$(apt-get indextargets --format '$(SITE)' 'Origin: Debian' 'Label: Debian' 'Created-By: Packages' 2>/dev/null | sort -u | head -n 1)
  echo "${archive:-http://deb.debian.org/debian}"
}

# apt with its lists, cache and idea of what is installed (nothing) all inside the work folder.
private_apt() {
  apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists" \
    -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o APT::Sandbox::User= -o Debug::NoLocking=true -o Acquire::Retries=2 -o Acquire::Languages=none "$@"
}

download() {
  private_apt update >"$work"/apt.log 2>&1 && private_apt install -y --no-install-recommends --download-only "${packages[@]}" >>"$work"/apt.log 2>&1
}

unpack() {
  mkdir -p "$work"/root/usr/{bin,sbin,lib,lib64}
  # Debian's packages expect a merged /usr: without these links half of the libraries would land beside it.
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$work/root/$name"; done
  for package in "$work"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work"/root --keep-directory-symlink --no-same-owner --exclude="./usr/share/doc" --exclude="./usr/share/man"
  done
}

[ "$(uname -s)" = Linux ] || fail 'needs Linux'
for program in apt-get dpkg-deb tar; do command -v "$program" >/dev/null || fail "needs $program"; done
[ -r "$keyring" ] || fail "needs $keyring (package debian-archive-keyring)"

mkdir -p "$(dirname "$folder")"
# What a killed run left behind.
find "$(dirname "$folder")" -maxdepth 1 -name 'unpacking-*' -mmin +60 -exec rm -rf {} +
work=$(mktemp -d "$(cd "$(dirname "$folder")" && pwd)/unpacking-XXXXXX")
trap 'rm -rf "$work"' EXIT
# bash runs no EXIT trap when a signal ends it, unless the signal is turned into an exit.
trap 'exit 130' INT TERM HUP
chmod 755 "$work"
mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$work"/root
: >"$work"/status
echo "deb [signed-by=$keyring] $(debian_archive) $suite main" >"$work"/sources.list

# The suite may move between the list and the download (a mirror being refreshed): a second try reads the list afresh.
download || { sleep 2; download; } || { tail -n 5 "$work"/apt.log >&2; fail "could not download ${packages[*]} of Debian $suite"; }
unpack
chmod 755 "$work"/root
# Another run may have been faster; its result is as good as this one.
mv -T "$work"/root "$folder" 2>/dev/null || [ -d "$folder" ] || fail "could not create $folder"
