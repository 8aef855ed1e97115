# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# The Go clients of tests/clients. Go comes with the Python environment, as Debian's is too old for it; modules are those
# of its go.sum. Built again only when their sources or Go changed.

readonly kGoSources=tests/clients/go

install_go() {
  local stamp go=$PWD/build/venv/bin/go marker=build/clients/.installed-go
  [ "$1" = test ] || return 0
  stamp=$({ "$go" version && find "$kGoSources" -type f | sort | xargs cat; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$marker" 2>/dev/null)" != "$stamp" ] || return 0
  complain "builds $kGoSources"
  mkdir -p build/clients
  build_go mcp-go .
  build_go sharing-go ./sharing
  printf '%s\n' "$stamp" >"$marker"
}

build_go() {
  GOTOOLCHAIN=local GOFLAGS='-mod=readonly -modcacherw' GOPATH=$PWD/build/go GOCACHE=$PWD/build/go/cache CGO_ENABLED=0 \
    build/venv/bin/go build -C "$kGoSources" -o "$PWD/build/clients/$1" "$2" >&2 ||
    die "$kGoSources can't be built; see Go's message above"
}
