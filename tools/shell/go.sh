# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# The Go client of tests/clients. Go comes with the Python environment, as Debian's is too old for it; modules are those
# of its go.sum. Built again only when its sources or Go changed.

readonly kGoSources=tests/clients/go

install_go() {
  local program stamp go=$PWD/build/venv/bin/go
  [ "$1" = test ] || return 0
  program=build/clients/mcp-go
  stamp=$({ "$go" version && cat "$kGoSources"/*; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$program.installed" 2>/dev/null)" != "$stamp" ] || return 0
  complain "builds $kGoSources"
  mkdir -p build/clients
  GOTOOLCHAIN=local GOFLAGS='-mod=readonly -modcacherw' GOPATH=$PWD/build/go GOCACHE=$PWD/build/go/cache CGO_ENABLED=0 \
    "$go" build -C "$kGoSources" -o "$PWD/$program" . >&2 || die "$kGoSources can't be built; see Go's message above"
  printf '%s\n' "$stamp" >"$program.installed"
}
