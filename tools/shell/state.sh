# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# What a private cluster consists of: its temporary folder, its processes, its ports, its secrets for clients. Written
# to DIR/state as it grows, so that stop finds everything after a start that failed half-way.

root='' server_user='' server_pid='' worker_pid='' standin_pid='' server_port='' worker_port=''

state_save() {
  local name
  for name in root server_user server_pid worker_pid standin_pid; do
    printf '%s=%q\n' "$name" "${!name}"
  done >"$dir/state.new"
  mv "$dir/state.new" "$dir/state"
}

state_load() {
  [ -f "$1/state" ] || return 1
  # shellcheck disable=SC1091  # written by state_save
  . "$1/state"
}

# The server refuses to run as root, so root lends it another user.
choose_user() {
  if [ "$(id -u)" -ne 0 ]; then
    id -un
  elif getent passwd postgres >/dev/null; then
    printf 'postgres\n'
  else
    printf 'nobody\n'
  fi
}

# The folder must be enterable for the server's user and short enough for a socket path.
make_root() {
  local base=${TMPDIR:-/tmp}
  server_user=$(choose_user)
  if [ "${#base}" -gt 60 ] || ! as_user "$server_user" test -w "$base"; then
    base=/tmp
  fi
  root=$(mktemp -d "$base/lakehouse-XXXXXX")
  state_save
  mkdir "$root/log" "$root/socket" "$root/standin"
  chmod 0700 "$root" "$root/socket"
  if [ "$(id -u)" -eq 0 ]; then
    chown "$server_user" "$root" "$root/log" "$root/socket"
  fi
  rm -rf "$dir/log"
  ln -s "$root/log" "$dir/log"
}

keep_logs() {
  [ -L "$dir/log" ] || return 0
  rm "$dir/log"
  mkdir "$dir/log"
  if [ -d "$root/log" ]; then
    cat_logs "$root/log"
  fi
}

# Copied by content: the copies belong to the caller, whoever owned the originals.
cat_logs() {
  local log
  for log in "$1"/*.log; do
    [ ! -f "$log" ] || cat "$log" >"$dir/log/${log##*/}"
  done
}

random_secret() { od -An -N"${1:-24}" -tx1 /dev/urandom | tr -d ' \n'; }

export_line() { printf 'export %s=%q\n' "$1" "$2"; }

write_env() {
  (
    umask 077
    {
      export_line PGHOST "$root/socket"
      export_line PGPORT "$server_port"
      export_line PGDATABASE "$database"
      export_line PGUSER postgres
      export_line LAKEHOUSE_URL "http://127.0.0.1:$worker_port"
      export_line DELTA_SHARING_URL "http://127.0.0.1:$worker_port/delta-sharing"
      export_line DEMO_TENANT acme
      standin_env
    } >"$dir/env"
  )
}
