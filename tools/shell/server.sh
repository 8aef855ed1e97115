# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# The PostgreSQL server of a private cluster: initdb, settings, start, database, worker, stop. Authentication is what
# initdb gives: trust on the socket, which lies in a folder of mode 0700, and passwords over TCP.

readonly kStartSeconds=60

server_start() {
  local attempt
  data_create >"$dir/log/initdb.log" 2>&1 || {
    show_tail "$dir/log/initdb.log"
    return 1
  }
  echo "include 'lakehouse.conf'" | as_user "$server_user" tee -a "$root/data/postgresql.conf" >/dev/null
  for attempt in 1 2 3; do
    server_port=$(free_port) worker_port=$(free_port)
    server_settings | as_user "$server_user" tee "$root/data/lakehouse.conf" >/dev/null
    server_launch && return 0
    # A port taken by a stranger in between is the one failure that another attempt cures.
    grep -q 'could not bind' "$dir/log/server.log" && [ "$attempt" -lt 3 ] || return 1
  done
}

# The database is made before the first start, since the launcher connects to it at once.
data_create() {
  as_user "$server_user" "$(bindir)/initdb" -D "$root/data" -U postgres -E UTF8 --locale=C.UTF-8 --no-sync \
    --auth-local=trust --auth-host=scram-sha-256 || return 1
  as_user "$server_user" "$(bindir)/postgres" --single -F -D "$root/data" postgres <<<"CREATE DATABASE \"$database\"" || return 1
}

bindir() { "$PG_CONFIG" --bindir; }

server_settings() {
  local setting
  cat <<END
listen_addresses = '127.0.0.1'
port = $server_port
unix_socket_directories = '$root/socket'
shared_preload_libraries = 'lakehouse'
lakehouse.database = '$database'
lakehouse.listen = '127.0.0.1:$worker_port'
lakehouse.delta_sharing_base_url = 'http://127.0.0.1:$worker_port/delta-sharing'
lakehouse.warehouse_integration_enabled = on
lakehouse.allowed_private_hosts = '127.0.0.1'
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
END
  for setting in "${settings[@]}"; do
    printf '%s\n' "$setting"
  done
}

server_launch() {
  local status=0
  as_user "$server_user" "$(bindir)/pg_ctl" start -D "$root/data" -l "$root/log/server.log" -w -t "$kStartSeconds" \
    >"$dir/log/pg_ctl.log" 2>&1 5>&- 7>&- || status=$?
  server_pid=$(head -n 1 "$root/data/postmaster.pid" 2>/dev/null || true)
  state_save
  return "$status"
}

extension_create() {
  psql -X -q -v ON_ERROR_STOP=1 -h "$root/socket" -p "$server_port" -U postgres -d "$database" \
    -c 'CREATE EXTENSION lakehouse CASCADE'
}

# The worker answers 200 on /ready once it has its database and its key.
worker_await() {
  local deadline=$((SECONDS + 30)) status=''
  until [ "$status" = 200 ]; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      complain "the worker at 127.0.0.1:$worker_port isn't ready after 30 s (last answer: ${status:-none})"
      return 1
    fi
    status=$(http_status "$worker_port" /ready) || status=''
    [ "$status" = 200 ] || sleep 0.1
  done
  worker_pid=$(descendants_named "$server_pid" lakehouse-worke | head -n 1)
  state_save
}

# The launcher ends the worker with the server; one that stays nevertheless is a defect worth a complaint.
server_stop() {
  local worker workers=()
  server_pid=$(head -n 1 "$root/data/postmaster.pid" 2>/dev/null || printf '%s' "$server_pid")
  workers=("$worker_pid")
  if runs "$server_pid" "$root/data"; then
    mapfile -O 1 -t workers < <(descendants_named "$server_pid" lakehouse-worke)
    end_server
  fi
  for worker in "${workers[@]}"; do
    wait_gone "$worker" lakehouse-worker 5 || complain "the worker $worker outlived its server"
    end_process "$worker" lakehouse-worker
  done
}

end_server() {
  kill -INT "$server_pid" 2>/dev/null || true
  wait_gone "$server_pid" "$root/data" 20 && return 0
  complain "the server did not stop within 20 s; stops it hard"
  kill -QUIT "$server_pid" 2>/dev/null || true
  wait_gone "$server_pid" "$root/data" 10 || kill -KILL "$server_pid" 2>/dev/null || true
}
