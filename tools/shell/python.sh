# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# The private Python environments: build/venv, and build/sharing for the official client of Delta Sharing, which wants
# older libraries than the rest. Made again only when a requirements file, the interpreter or the place of the checkout
# changed.

readonly kVenv=build/venv
readonly kSharingVenv=build/sharing

requirement_files() {
  local group=$1 file files=(tests/standin/requirements.txt)
  case $group in
    test) files+=(tests/standin/requirements-spark.txt tests/requirements.txt tools/requirements.txt) ;;
    bench) files+=(bench/requirements.txt) ;;
  esac
  for file in "${files[@]}"; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done
}

install_python() {
  local group=$1 file files=()
  while read -r file; do files+=("$file"); done < <(requirement_files "$group")
  [ "${#files[@]}" -eq 0 ] || install_requirements "$kVenv" "$group" "${files[@]}"
}

install_sharing() {
  case $1 in
    demo | test) install_requirements "$kSharingVenv" all tests/clients/requirements.txt ;;
  esac
}

install_requirements() {
  local venv=$1 group=$2 file options=() stamp
  shift 2
  stamp=$(requirements_hash "$@")
  [ "$(cat "$venv/.installed-$group" 2>/dev/null)" != "$stamp" ] || return 0
  make_environment "$venv"
  for file in "$@"; do options+=(-r "$file"); done
  complain "installs Python packages of" "$@"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --use-pep517 "${options[@]}" ||
    die "pip can't install the packages of $*; see its message above"
  printf '%s\n' "$stamp" >"$venv/.installed-$group"
}

# A DuckDB of another version than the stand-in's, in a folder: who wants it puts that first in PYTHONPATH.
install_duckdb() {
  local file=tests/clients/duckdb.txt folder=build/clients/duckdb stamp
  case $1 in bench | test) ;; *) return 0 ;; esac
  stamp=$(requirements_hash "$file")
  [ "$(cat "$folder/.installed" 2>/dev/null)" != "$stamp" ] || return 0
  complain "installs Python packages of $file"
  rm -rf "$folder"
  "$kVenv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --target "$folder" \
    -r "$file" || die "pip can't install the packages of $file; see its message above"
  printf '%s\n' "$stamp" >"$folder/.installed"
}

# The distribution's interpreter first: it is there for every user, and python3-venv belongs to it.
python_program() {
  if [ -n "${PYTHON:-}" ]; then
    printf '%s\n' "$PYTHON"
  elif [ -x /usr/bin/python3 ]; then
    printf '/usr/bin/python3\n'
  else
    command -v python3
  fi
}

requirements_hash() {
  { cat "$@" && pwd && readlink -f "$(python_program)"; } | sha256sum | cut -d' ' -f1
}

make_environment() {
  local venv=$1 identity
  identity="$(pwd) $(readlink -f "$(python_program)")"
  [ "$(cat "$venv/.identity" 2>/dev/null)" != "$identity" ] || return 0
  rm -rf "$venv"
  "$(python_program)" -m venv "$venv" || die "python3 can't make a virtual environment; is python3-venv installed?"
  printf '%s\n' "$identity" >"$venv/.identity"
}
