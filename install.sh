#!/usr/bin/env bash
# Builds conclab, sees to a JupyterLab and tells Jupyter about the kernel; `./install.sh --help` says how.
# To add a place to install to: choose_place, and a line in usage.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
oldest_python=3.9

usage() {
  cat <<'TEXT'
usage: ./install.sh [--user | --sys-prefix | --prefix DIR] [--lab [-- ARGUMENT...]]
       ./install.sh --uninstall [--user | --sys-prefix | --prefix DIR]

Builds conclab with cargo, installs JupyterLab where there is none, and adds the kernel "conclab".
Running it again upgrades what it installed before.

Without an option it takes the first of these:
  - the Python environment that is active (venv or conda);
  - the environment .venv in this folder, from an earlier run;
  - a JupyterLab that is on the PATH (the kernel then goes to your home, as with --user);
  - a new environment .venv in this folder.

  --user         for every Jupyter that you start: ~/.local
  --sys-prefix   for the Jupyter of the active environment, or of the Python that python3 is
  --prefix DIR   below DIR: DIR/bin and DIR/share/jupyter
  --lab          then open the bundled notebooks in JupyterLab; what follows -- is handed to it,
                 for example  ./install.sh --lab -- --no-browser --port 9999
  --uninstall    remove the kernel and its executable
  --help         this text

PYTHON=/path/to/python3 says which Python makes the environment.
TEXT
}

say() { printf '%s\n' "$*"; }

# Ends with an explanation: what is missing, then what to do about it, a line each.
fail() {
  printf 'install.sh: %s\n' "$1" >&2
  shift
  if [ $# -gt 0 ]; then printf '  %s\n' "$@" >&2; fi
  exit 1
}

misused() {
  printf 'install.sh: %s\n' "$1" >&2
  usage >&2
  exit 2
}

# Whether version $1 is $2 or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

place='' prefix='' lab='' uninstall=''
lab_arguments=()

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --user | --sys-prefix | --prefix | --prefix=*)
        [ -z "$place" ] || misused "one place at a time: $1 comes after --$place"
        case $1 in
          --prefix)
            [ $# -gt 1 ] && [ -n "$2" ] || misused '--prefix needs a folder'
            prefix=$2 place=prefix
            shift
            ;;
          --prefix=*)
            prefix=${1#--prefix=} place=prefix
            [ -n "$prefix" ] || misused '--prefix needs a folder'
            ;;
          *) place=${1#--} ;;
        esac
        ;;
      --lab) lab=yes ;;
      --uninstall) uninstall=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      --)
        shift
        lab_arguments=("$@")
        break
        ;;
      *) misused "there is no option $1" ;;
    esac
    shift
  done
  if [ -n "$uninstall" ] && [ -n "$lab" ]; then misused '--uninstall and --lab contradict each other'; fi
  if [ -z "$lab" ] && [ ${#lab_arguments[@]} -gt 0 ]; then misused 'what follows -- is for JupyterLab: add --lab'; fi
  if [ -n "$prefix" ] && [ "${prefix#/}" = "$prefix" ]; then prefix=$PWD/$prefix; fi
}

# ---- Python and JupyterLab -------------------------------------------------------------------------

python_version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Prints a Python that is new enough; the first that is found on the PATH.
find_python() {
  local candidate version seen=''
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9}; do
    version=$(python_version "$candidate") || continue
    if at_least "$version" "$oldest_python"; then
      command -v "$candidate"
      return
    fi
    seen="${seen:+$seen, }$candidate is $version"
  done
  if [ -n "$seen" ]; then
    fail "Python $oldest_python or newer is needed for JupyterLab ($seen)." \
      'Install a newer one beside it (Debian, Ubuntu: sudo apt install python3; or https://www.python.org/downloads/),' \
      'then say where it is: PYTHON=/path/to/python3 ./install.sh'
  fi
  fail "Python 3 is needed for JupyterLab, and ${PYTHON:-python3} does not start." \
    'Debian, Ubuntu:  sudo apt install python3 python3-venv' \
    'Fedora:          sudo dnf install python3' \
    'Elsewhere:       https://www.python.org/downloads/'
}

has_jupyterlab() { "$1" -c 'import importlib.metadata as m; m.version("jupyterlab")' 2>/dev/null; }

# Makes the environment $1, unless it is there and works.
make_environment() {
  local folder=$1 python log
  if "$folder/bin/python" -c '' 2>/dev/null; then return; fi
  python=$(find_python)
  if [ -e "$folder" ] && [ ! -f "$folder/pyvenv.cfg" ]; then
    fail "$folder is in the way: it is no Python environment." 'Move it away, or activate an environment of your own first.'
  fi
  say "Making a Python environment in $folder"
  log=$(mktemp)
  if command -v uv >/dev/null && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    uv venv --quiet --clear --python "$python" "$folder" >"$log" 2>&1 || fail_with_log "$log" "uv could not make $folder."
  elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    rm -f "$log"
    fail "$python cannot make environments: its modules venv and ensurepip are missing." \
      "Debian, Ubuntu:  sudo apt install python3-venv   (or python$(python_version "$python")-venv)" \
      'or activate an environment that you have, or install uv: this script then uses it.'
  else
    "$python" -m venv --clear "$folder" >"$log" 2>&1 || fail_with_log "$log" "$python could not make $folder."
  fi
  rm -f "$log"
}

fail_with_log() {
  local log=$1
  shift
  tail -n 15 "$log" >&2
  rm -f "$log"
  fail "$@"
}

# Sees to it that the Python $1 has JupyterLab.
need_jupyterlab() {
  local python=$1 log version
  local install=("$python" -m pip install --disable-pip-version-check --quiet)
  version=$(python_version "$python") || fail "$python does not start."
  if has_jupyterlab "$python"; then return; fi
  at_least "$version" "$oldest_python" ||
    fail "$python is Python $version, and JupyterLab needs $oldest_python or newer." \
      'Activate a newer environment, or none: then this script makes one of its own.'
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    if command -v uv >/dev/null; then
      install=(uv pip install --quiet --python "$python")
    else
      "$python" -m ensurepip --default-pip >/dev/null 2>&1 ||
        fail "$python has no pip, so JupyterLab cannot be installed there." \
          'Debian, Ubuntu:  sudo apt install python3-pip python3-venv' \
          'or run ./install.sh without an option and without an active environment: it makes one of its own.'
    fi
  fi
  say 'Installing JupyterLab (about a minute; from the Python package index)'
  log=$(mktemp)
  if ! "${install[@]}" 'jupyterlab>=4,<5' >"$log" 2>&1; then
    if grep -q 'externally-managed-environment' "$log"; then
      rm -f "$log"
      fail "$python belongs to the operating system, which does not let pip install into it." \
        'Run ./install.sh without --sys-prefix: it makes an environment of its own,' \
        'or install JupyterLab in your own way and run ./install.sh --user.'
    elif grep -qiE 'No matching distribution|could not find a version|connection|resolution|timed out|max retries|proxy|certificate|ssl' "$log"; then
      fail_with_log "$log" 'JupyterLab could not be fetched from the Python package index.' \
        'Is the network up? Behind a proxy set HTTPS_PROXY; for a mirror set PIP_INDEX_URL.' \
        'Then run this again: it goes on where it stopped.'
    elif grep -qi 'permission denied' "$log"; then
      fail_with_log "$log" "You may not install into $(dirname "$(dirname "$python")")." \
        'Run ./install.sh without an option and without an active environment: it makes one of its own.'
    fi
    fail_with_log "$log" 'pip could not install JupyterLab; its last words are above.'
  fi
  rm -f "$log"
}

# ---- Where to --------------------------------------------------------------------------------------

user_data_folder() {
  if [ -n "${JUPYTER_DATA_DIR:-}" ]; then
    printf '%s' "$JUPYTER_DATA_DIR"
  else
    printf '%s' "${XDG_DATA_HOME:-${HOME:?HOME is not set}/.local/share}/jupyter"
  fi
}

active_environment() { printf '%s' "${VIRTUAL_ENV:-${CONDA_PREFIX:-}}"; }

# Whether the PATH has a JupyterLab that starts.
jupyterlab_on_path() { command -v jupyter-lab >/dev/null && jupyter-lab --version >/dev/null 2>&1; }

# Sets place to user or prefix, and prefix.
choose_place() {
  case ${place:-default} in
    user | prefix) ;;
    sys-prefix)
      prefix=$(active_environment)
      if [ -z "$prefix" ]; then
        local python
        python=$(find_python)
        prefix=$("$python" -c 'import sys; print(sys.prefix)')
      fi
      place=prefix
      ;;
    default)
      prefix=$(active_environment)
      if [ -n "$prefix" ]; then
        place=prefix
      elif [ -x "$repository/.venv/bin/python" ]; then
        prefix=$repository/.venv place=prefix
      elif jupyterlab_on_path; then
        place=user
      else
        prefix=$repository/.venv place=prefix
      fi
      ;;
  esac
}

# Sets lab_command to what starts JupyterLab; installs it where that is ours to do. Empty where DIR of
# --prefix is no Python environment and the PATH has none.
lab_command=()
see_to_jupyterlab() {
  if [ "$place" = prefix ] && { [ -x "$prefix/bin/python" ] || [ -x "$prefix/bin/python3" ] || [ "$prefix" = "$repository/.venv" ]; }; then
    local python=$prefix/bin/python
    if [ "$prefix" = "$repository/.venv" ]; then make_environment "$prefix"; fi
    [ -x "$python" ] || python=$prefix/bin/python3
    need_jupyterlab "$python"
    lab_command=("$python" -m jupyterlab)
  elif jupyterlab_on_path; then
    lab_command=(jupyter-lab)
  elif [ "$place" = user ]; then
    make_environment "$repository/.venv"
    need_jupyterlab "$repository/.venv/bin/python"
    lab_command=("$repository/.venv/bin/python" -m jupyterlab)
  fi
}

# ---- conclab itself --------------------------------------------------------------------------------

need_rust() {
  local needed found
  needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$repository/Cargo.toml")
  if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
  fi
  command -v cargo >/dev/null ||
    fail 'Rust is needed to build conclab, and there is no cargo on the PATH.' \
      "Get it from https://rustup.rs (no administrator rights needed), open a new shell, and run this again." \
      "Distributions' own packages are often older than the Rust $needed that conclab needs."
  found=$(cd "$repository" && cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9.]*\).*/\1/p') || true
  [ -n "$found" ] ||
    fail 'cargo is there but does not start.' 'With rustup:  rustup default stable'
  at_least "$found" "$needed" ||
    fail "Rust $needed or newer is needed, and this is $found." \
      'With rustup:     rustup update stable' \
      'From a package:  get a newer one from https://rustup.rs; it goes beside the packaged one.'
}

# Sets built to the release executable.
built=''
build() {
  local messages
  messages=$(mktemp)
  say 'Building conclab (a few minutes the first time)'
  if ! (cd "$repository" && cargo build --release --locked --bin conclab --message-format=json-render-diagnostics) >"$messages"; then
    rm -f "$messages"
    if ! command -v cc >/dev/null; then
      fail 'conclab was not built: there is no C linker (cc), which Rust needs to make an executable.' \
        'Debian, Ubuntu:  sudo apt install build-essential' \
        'Fedora:          sudo dnf install gcc'
    fi
    fail "conclab was not built; cargo's message above says why." \
      'Where it could not fetch a crate: is the network up? Behind a proxy set HTTPS_PROXY. Then run this again.'
  fi
  built=$(grep -o '"executable":"[^"]*/conclab"' "$messages" | tail -n 1 | cut -d '"' -f 4)
  rm -f "$messages"
  [ -x "$built" ] || fail 'cargo built conclab but does not say where.' 'Is cargo wrapped by another program?'
}

# Copies the executable to $1/bin, so that the kernel survives `cargo clean` and a moved checkout.
copy_executable() {
  local folder=$1/bin
  if ! mkdir -p "$folder" 2>/dev/null || [ ! -w "$folder" ]; then
    fail "You may not write to $folder." './install.sh --user writes to your home, --prefix DIR where you say.'
  fi
  executable=$folder/conclab
  if cmp -s "$built" "$executable"; then return; fi
  # A kernel that is running keeps the old file: the new one takes over its name.
  cp "$built" "$executable.new"
  mv -f "$executable.new" "$executable"
}

# ---- The two jobs ----------------------------------------------------------------------------------

remove() {
  local data=$1 program=$2 spec=$1/kernels/conclab
  if [ -d "$spec" ]; then
    if ! grep -qs '/conclab"' "$spec/kernel.json"; then
      fail "$spec is not conclab's: its kernel.json starts something else." "If you don't need it, remove it by hand."
    fi
    rm -rf "$spec" || fail "You may not remove $spec."
    say "Removed $spec"
    removed=yes
  fi
  if [ -f "$program" ]; then
    rm -f "$program" || fail "You may not remove $program."
    say "Removed $program"
    removed=yes
  fi
  rmdir "$data/kernels" 2>/dev/null || true
}

run_uninstall() {
  removed=''
  if [ -z "$place" ]; then
    # Every place that installing without an option may have chosen.
    local environment
    environment=$(active_environment)
    if [ -n "$environment" ]; then remove "$environment/share/jupyter" "$environment/bin/conclab"; fi
    remove "$repository/.venv/share/jupyter" "$repository/.venv/bin/conclab"
    remove "$(user_data_folder)" "$HOME/.local/bin/conclab"
  else
    choose_place
    if [ "$place" = user ]; then
      remove "$(user_data_folder)" "$HOME/.local/bin/conclab"
    else
      remove "$prefix/share/jupyter" "$prefix/bin/conclab"
    fi
  fi
  [ -n "$removed" ] || say 'Nothing to remove: no conclab there.'
  if [ -d "$repository/.venv" ]; then
    say "JupyterLab stays in $repository/.venv; if nothing else uses it: rm -r '$repository/.venv'"
  fi
}

# Names the kernelspec of the same name that Jupyter would rather take, if there is one.
warn_if_hidden() {
  local expected=$1 found
  [ "${lab_command[0]:-}" != jupyter-lab ] && [ ${#lab_command[@]} -gt 0 ] || return 0
  found=$("${lab_command[0]}" -c 'from jupyter_client.kernelspec import find_kernel_specs as f; print(f().get("conclab", ""))' 2>/dev/null) || return 0
  if [ -n "$found" ] && ! [ "$found" -ef "$expected" ]; then
    say "Note: Jupyter takes another kernel named conclab first: $found"
  fi
}

run_install() {
  [ "$(uname -s)" = Linux ] ||
    fail "conclab runs on Linux: it measures processes through /proc, which $(uname -s) does not have." \
      'On Windows it runs in WSL 2, on a Mac in a Linux container or virtual machine.'
  choose_place
  need_rust
  # Before the build, which takes longest: what is missing is told at once.
  see_to_jupyterlab
  build
  local spec
  if [ "$place" = user ]; then
    copy_executable "${HOME:?HOME is not set}/.local"
    "$executable" install --user
    spec=$(user_data_folder)/kernels/conclab
  else
    copy_executable "$prefix"
    "$executable" install --prefix "$prefix"
    spec=$prefix/share/jupyter/kernels/conclab
  fi
  warn_if_hidden "$spec"

  say ''
  local here=./install.sh
  if [ "$PWD" != "$repository" ]; then here="'$repository/install.sh'"; fi
  if [ ${#lab_command[@]} -eq 0 ]; then
    say "Ready. No JupyterLab was found; any Jupyter finds the kernel with JUPYTER_PATH='$prefix/share/jupyter'"
  elif [ -z "$lab" ]; then
    say "Ready. Next: $here --lab   (JupyterLab with the bundled notebooks; choose the kernel \"conclab\" in your own)"
  fi
  say "In a terminal: $(printf '%q' "$executable") run FILE.toml"
}

# Becomes JupyterLab, with the bundled notebooks as its folder.
run_lab() {
  if [ ${#lab_command[@]} -eq 0 ]; then
    fail 'There is no JupyterLab to open.' 'Run ./install.sh --lab without --prefix: it sees to one.'
  fi
  local arguments=('--LabApp.default_url=/lab/tree/00-quick-start.ipynb')
  if [ "$(id -u)" = 0 ]; then arguments+=(--allow-root); fi
  if [ "$place" = prefix ]; then
    export JUPYTER_PATH=$prefix/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}
  fi
  say 'Starting JupyterLab; Ctrl-C ends it'
  cd "$repository/notebooks"
  exec "${lab_command[@]}" "${arguments[@]}" ${lab_arguments[@]+"${lab_arguments[@]}"}
}

read_arguments "$@"
if [ -n "$uninstall" ]; then
  run_uninstall
else
  run_install
  if [ -n "$lab" ]; then run_lab; fi
fi
