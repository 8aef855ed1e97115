# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# The stand-in warehouse of a private cluster. Runs as the caller; its secrets travel by environment and by files of
# mode 0600, never by argument. Its generated data is kept in build/warehouse and shared by all clusters.

readonly kStandinSeconds=90
readonly kPython=$PWD/build/venv/bin/python

# Returns at once, so that the server starts meanwhile. The lock lets one process at a time generate the data.
standin_launch() {
  if [ ! -x "$kPython" ]; then
    complain "no Python environment for the stand-in warehouse; call tools/setup first"
    return 1
  fi
  exec 5>build/warehouse.lock
  flock -w "$kStandinSeconds" 5
  setsid "$kPython" tests/standin/serve.py --port 0 --links-port 0 --data "$PWD/build/warehouse" \
    --ready-file "$root/standin/ready" >"$root/log/standin.log" 2>&1 </dev/null 5>&- 7>&- &
  standin_pid=$!
  state_save
}

standin_await() {
  local deadline=$((SECONDS + kStandinSeconds))
  until [ -s "$root/standin/ready" ]; do
    if ! runs "$standin_pid" tests/standin/serve.py || [ "$SECONDS" -ge "$deadline" ]; then
      complain "the stand-in warehouse isn't ready"
      return 1
    fi
    sleep 0.1
  done
  exec 5>&-
}

# Prints what clients need, as export lines.
standin_env() {
  "$kPython" - "$root/standin/ready" <<'END'
import json
import shlex
import sys

kNames = {
    "WAREHOUSE_URL": "url",
    "WAREHOUSE_TOKEN": "token",
    "WAREHOUSE_CLIENT_ID": "client_id",
    "WAREHOUSE_CLIENT_SECRET": "client_secret",
    "WAREHOUSE_ID": "warehouse_id",
    "WAREHOUSE_CATALOG": "catalog",
    "STANDIN_MARK": "mark",
    "STANDIN_CONTROL_URL": "control_url",
}
with open(sys.argv[1], encoding="utf-8") as file:
    ready = json.load(file)
for name, key in kNames.items():
    print(f"export {name}={shlex.quote(ready[key])}")
END
}

standin_stop() { end_process "$standin_pid" "$root/standin/ready"; }
