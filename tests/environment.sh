# shellcheck shell=bash
# What the tests need beyond Rust: the Python environment .test-env, interpreters to measure, a Chromium and a PostgreSQL.
# Sourced by run.sh.

# Sets test_python, and sees to a PostgreSQL. The environment is kept, and made anew when the pinned requirements or the Python change.
make_test_environment() {
  local folder=$1 requirements=$2 candidate='' python='' stamp
  see_to_postgres
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      python=$(command -v "$candidate")
      break
    fi
  done
  if [ -z "$python" ]; then
    echo 'The tests need Python 3.10 or newer; PYTHON=/path/to/python3 says where one is.' >&2
    return 1
  fi
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    install_with_apt python3-venv || {
      echo "$python cannot make environments (Debian, Ubuntu: apt install python3-venv)." >&2
      return 1
    }
  fi
  test_python=$folder/bin/python
  stamp="$("$python" -VV) $(cksum <"$requirements")"
  if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && "$test_python" -c 'import jupyterlab' 2>/dev/null; then
    return
  fi
  "$python" -m venv --clear "$folder"
  "$test_python" -m pip install --disable-pip-version-check --quiet --requirement "$requirements"
  echo "$stamp" >"$folder/stamp"
}

# Sets CONCLAB_TEST_PYTHONS, for cargo and pytest alike: the paths of the CPythons to test with, colons between them, one of each
# version that is found, this machine's python3 first. Where CI is set, that one and a 3.14 must be among them.
see_to_pythons() {
  local folder=$1 newest candidate release path
  local -A found=()
  CONCLAB_TEST_PYTHONS=
  newest=$(tests/python314.sh "$folder") || echo 'The tests with Python 3.14 are SKIPPED.'
  for candidate in "${PYTHON:-python3}" ${newest:+"$newest"} python3.{9,10,11,12,13,14} python3.{13,14}t \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3 \
    "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}"/*/bin/python3; do
    read -r release path < <(timeout 20 "$candidate" -I -S -c '
import os, sys, sysconfig
free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
if sys.implementation.name == "cpython" and sys.version_info >= (3, 9):
    print("%d.%d%s %s" % (*sys.version_info[:2], free, os.path.realpath(sys.executable)))' 2>/dev/null) || continue
    if [ -n "${found[$release]:-}" ]; then continue; fi
    found[$release]=$path
    CONCLAB_TEST_PYTHONS+=${CONCLAB_TEST_PYTHONS:+:}$path
    printf '%-5s  %s\n' "$release" "$path"
  done
  export CONCLAB_TEST_PYTHONS
  if [ -n "${CI:-}" ] && { [ -z "$newest" ] || [ ${#found[@]} -lt 2 ]; }; then
    echo 'Under CI the tests need python3 and a Python 3.14.' >&2
    return 1
  fi
}

# Sees to a Chromium for the tests that look at pages; without one they are skipped, or fail where CI is set.
see_to_chromium() {
  local name
  if [ -n "${CONCLAB_CHROMIUM:-}" ]; then return; fi
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then return; fi
  done
  install_with_apt chromium || echo 'No Chromium: the tests that look at pages are SKIPPED (Debian: apt install chromium).'
}

# Sees to a PostgreSQL for the tests of `query`; without one they are skipped, or fail where CI is set.
see_to_postgres() {
  local programs
  for programs in /usr/lib/postgresql/*/bin/initdb; do
    if [ -x "$programs" ]; then return; fi
  done
  if command -v initdb >/dev/null; then return; fi
  install_with_apt postgresql || echo 'No PostgreSQL: the tests that query one are SKIPPED (Debian: apt install postgresql).'
}

# Installs a Debian package where that needs nobody's password.
install_with_apt() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing $1"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}
