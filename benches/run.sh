#!/usr/bin/env bash
# Every bench in one command: builds the release, sees to the Python environment, prints all tables.
#
#     benches/run.sh [--record]
#
# --record also writes them into benches/README.md, between its two markers. To add a bench: a line
# `bench TITLE COMMAND...` below.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/environment.sh
source tests/environment.sh

record=''
case "$#:${1-}" in
  0:) ;;
  1:--record) record=yes ;;
  *)
    echo 'usage: benches/run.sh [--record]' >&2
    exit 2
    ;;
esac

conclab=${CARGO_TARGET_DIR:-target}/release/conclab
tables=$(mktemp)
trap 'rm -f "$tables" "$tables.page"' EXIT

machine() {
  local cpus
  cpus=$(getconf _NPROCESSORS_ONLN)
  printf '%s, %s CPUs, Linux %s; %s, Python %s, %s; %s.\n' \
    "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$cpus" "$(uname -r)" \
    "$("$conclab" --version)" "$("$test_python" -c 'import platform; print(platform.python_version())')" \
    "$(rustc --version | cut -d ' ' -f 1,2)" "$(date -u +%Y-%m-%d)"
  if awk -v load="$load" -v cpus="$cpus" 'BEGIN { exit !(load > 0.25 * cpus) }'; then
    printf '\n**Preliminary**: the machine was busy with other things (load %s).\n' "$load"
  fi
}

bench() {
  local title=$1
  shift
  printf '\n### %s\n\n' "$title"
  "$@"
}

run_all() {
  machine
  bench 'The kernel' "$test_python" benches/kernel.py "$conclab"
  bench 'A trial' cargo bench --quiet --locked --bench trial
  bench 'The models' env PYTHON="$test_python" cargo bench --quiet --locked --bench models
  bench 'Tracing' cargo bench --quiet --locked --bench tracing
  bench 'The emulated GIL' env PYTHON="$test_python" cargo bench --quiet --locked --bench gil
  bench 'A CPython, beside scripts by hand' env PYTHON="$test_python" cargo bench --quiet --locked --bench fidelity
  bench 'Reference figures' "$test_python" benches/reference.py "$conclab"
  bench 'The language' cargo bench --quiet --locked --bench language
  bench 'Drawing' cargo bench --quiet --locked --bench drawing
}

# Puts the tables between the markers of the page.
write_page() {
  awk -v tables="$tables" '
    /^<!-- recorded: end -->$/ { inside = 0; ends++ }
    !inside { print }
    /^<!-- recorded: begin -->$/ {
      inside = 1
      begins++
      print ""
      while ((getline line < tables) > 0) print line
      print ""
    }
    END { exit !(begins == 1 && ends == 1 && !inside) }
  ' benches/README.md >"$tables.page"
  cat "$tables.page" >benches/README.md
}

# Read before anything is built, which is a load too.
read -r load _ </proc/loadavg
cargo build --quiet --locked --release
cargo bench --quiet --locked --no-run
make_test_environment "$PWD/.test-env" tests/python/requirements.txt
see_to_pythons "$PWD/.test-env"
run_all | tee "$tables"
if [ -n "$record" ]; then
  write_page
  printf '\nRecorded in benches/README.md.\n'
fi
