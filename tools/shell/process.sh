# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# Ends processes safely: a process is known by its id and by a word on its command line, so that an id used again by
# a stranger is left alone. Reads /proc; needs no ps.

runs() {
  local pid=$1 word=$2
  [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] &&
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$word"
}

# Waits until the process is gone; fails after the given seconds.
wait_gone() {
  local pid=$1 word=$2 seconds=$3
  local deadline=$((SECONDS + seconds))
  while runs "$pid" "$word"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

end_process() {
  local pid=$1 word=$2
  runs "$pid" "$word" || return 0
  kill -TERM "$pid" 2>/dev/null || true
  wait_gone "$pid" "$word" 10 && return 0
  complain "process $pid ($word) did not end within 10 s and is killed"
  kill -KILL "$pid" 2>/dev/null || true
  wait_gone "$pid" "$word" 5
}

# Prints the ids of all processes below the given one whose name is the given one (15 characters at most, as in /proc).
descendants_named() {
  local ancestor=$1 name=$2 status pid parent title
  declare -A parent_of=() name_of=()
  for status in /proc/[0-9]*/status; do
    pid=${status#/proc/} pid=${pid%/status}
    { title=$(sed -n 's/^Name:\t//p' "$status") && parent=$(sed -n 's/^PPid:\t//p' "$status"); } 2>/dev/null || continue
    parent_of[$pid]=$parent name_of[$pid]=$title
  done
  for pid in "${!parent_of[@]}"; do
    [ "${name_of[$pid]}" = "$name" ] || continue
    parent=${parent_of[$pid]}
    while [ "${parent:-0}" -gt 1 ] && [ "$parent" != "$ancestor" ]; do
      parent=${parent_of[$parent]:-0}
    done
    [ "$parent" = "$ancestor" ] && printf '%s\n' "$pid"
  done
  return 0
}
