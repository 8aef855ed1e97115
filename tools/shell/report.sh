# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# What the scripts say: one line a step with its time, and the end of a log when a step fails. Never prints a secret.

say() { printf '%s\n' "$*"; }

complain() { printf 'lakehouse: %s\n' "$*" >&2; }

die() {
  complain "$@"
  exit 1
}

# Shows the last lines of a log, indented, so that the reason stands next to the failure.
show_tail() {
  local log=$1 lines=${2:-20}
  [ -s "$log" ] || return 0
  complain "the last lines of $log:"
  tail -n "$lines" "$log" | sed 's/^/  | /' >&2
}

# Runs a command quietly: its output goes to a log, one line with the time goes to the terminal.
step() {
  local title=$1 log=$2 began=$SECONDS status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  printf '%-44s' "$title ..."
  "$@" >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    printf 'failed (%s s)\n' "$((SECONDS - began))"
    show_tail "$log" 40
    return "$status"
  fi
  printf 'done (%s s)\n' "$((SECONDS - began))"
}
