# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# Which PostgreSQL the scripts build against and run: PG_CONFIG if set, else the pg_config in PATH if extensions can be
# built with it, else the newest packaged one.

readonly kNewestPostgres=18
readonly kOldestPostgres=15

find_pg_config() {
  local major
  if [ -n "${PG_CONFIG:-}" ]; then
    command -v "$PG_CONFIG"
  elif can_build_with pg_config; then
    command -v pg_config
  else
    for ((major = kNewestPostgres; major >= kOldestPostgres; major--)); do
      can_build_with "/usr/lib/postgresql/$major/bin/pg_config" || continue
      printf '/usr/lib/postgresql/%s/bin/pg_config\n' "$major"
      return 0
    done
    return 1
  fi
}

# A client's pg_config, such as libpq-dev's, names neither a server nor its headers.
can_build_with() {
  local program=$1
  command -v "$program" >/dev/null &&
    [ -x "$("$program" --bindir 2>/dev/null)/initdb" ] &&
    [ -f "$("$program" --includedir-server 2>/dev/null)/postgres.h" ]
}

# Exports PG_CONFIG and puts its programs first in PATH, so that psql, pg_prove and make all agree.
use_postgres() {
  PG_CONFIG=$(find_pg_config) || return 1
  PATH=$("$PG_CONFIG" --bindir):$PATH
  export PG_CONFIG PATH
}
