#!/usr/bin/env bash
# Every test in one command: format, lints, Rust tests, then the Python suites against the release build as
# ./install.sh installs it. Steps that fail don't stop the others; arguments are handed to pytest.
# To add a step: a line `step NAME command...` below.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/environment.sh
source tests/environment.sh

failed=()
step() {
  local name=$1
  shift
  printf '\n==== %s\n' "$name"
  "$@" || failed+=("$name")
}

# A component of Rust's toolchain that rustup can fetch.
need_component() {
  if cargo "$1" --version >/dev/null 2>&1; then return; fi
  rustup component add "$2" >/dev/null 2>&1 || echo "cargo $1 is missing, and rustup cannot add it"
}

need_component fmt rustfmt
need_component clippy clippy
step 'format' cargo fmt --check
step 'lints' cargo clippy --locked --all-targets -- -D warnings

printf '\n==== environment of the tests\n'
make_test_environment "$PWD/.test-env" tests/python/requirements.txt
see_to_chromium
step 'interpreters to measure' see_to_pythons "$PWD/.test-env"

step 'Rust tests' cargo test --locked
# The Python suites look at the outside of what a user gets: the release build, in the place of --prefix.
./install.sh --prefix "$PWD/.test-env"
step 'Python tests' "$test_python" -m pytest -c tests/python/pytest.ini --rootdir tests/python tests/python "$@"

if [ ${#failed[@]} -gt 0 ]; then
  printf '\nFAILED: %s\n' "${failed[@]}" >&2
  exit 1
fi
