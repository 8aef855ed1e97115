# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# The one place that becomes root, and the one that gives root up. Never asks for a password unless a terminal is there.

can_become_root() {
  [ "$(id -u)" -eq 0 ] && return 0
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null && return 0
  [ -t 0 ] && sudo -v
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

# Runs a command as the given user from the root folder, since that user may be unable to enter the current one.
as_user() {
  local user=$1
  shift
  if [ "$(id -un)" = "$user" ]; then
    (cd / && exec "$@")
  else
    (cd / && exec runuser -u "$user" -- "$@")
  fi
}
