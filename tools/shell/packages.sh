# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# Brings in the packages of tools/packages.txt through apt-get. Without apt or root it names the packages and fails.
# A server package must not bring a running cluster with it: a drop-in file says so for the time of the installation.

readonly kNoCluster=/etc/postgresql-common/createcluster.d/lakehouse-setup.conf
readonly kAptLock=/run/lock/lakehouse-apt.lock

install_packages() {
  local group=$1 missing=() names=()
  mapfile -t missing < <(missing_packages "$group")
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    die "apt-get isn't here; install what your system calls these packages: ${missing[*]}"
  can_become_root ||
    die "these packages are missing, and there is no root or sudo; install them first: ${missing[*]%%|*}"
  resolve_names names "${missing[@]}"
  complain "installs the packages ${names[*]}"
  apt_install "${names[@]}"
  mapfile -t missing < <(missing_packages "$group")
  [ "${#missing[@]}" -eq 0 ] || die "these packages are still missing: ${missing[*]}"
}

# Prints the wanted names of the table for which no alternative is installed.
missing_packages() {
  local group=$1 name wanted
  declare -A installed=()
  while read -r name; do
    installed[$name]=1
  done < <(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^.i  *//p')
  while read -r wanted; do
    for name in ${wanted//|/ }; do
      [ -z "${installed[$name]:-}" ] || continue 2
    done
    printf '%s\n' "$wanted"
  done < <(wanted_packages "$group")
}

wanted_packages() {
  local group=$1 major of name
  major=$(wanted_postgres)
  while read -r of name; do
    case $group/$of in
      */build | "$group/$group" | test/demo) ;;
      *) continue ;;
    esac
    [ "$major" != own ] || [[ $name != *@PG@* ]] || continue
    printf '%s\n' "${name//@PG@/$major}"
  done <tools/packages.txt
}

# The major version of the packages: of the PostgreSQL in use, else the newest that apt offers. Prints `own` when the
# PostgreSQL in use isn't a packaged one.
wanted_postgres() {
  local bindir major
  if bindir=$("$(find_pg_config)" --bindir 2>/dev/null); then
    if [[ $bindir =~ ^/usr/lib/postgresql/([0-9]+)/bin$ ]]; then
      printf '%s\n' "${BASH_REMATCH[1]}"
    else
      printf 'own\n'
    fi
    return 0
  fi
  for ((major = kNewestPostgres; major > kOldestPostgres; major--)); do
    is_offered "postgresql-server-dev-$major" && break
  done
  printf '%s\n' "$major"
}

is_offered() { apt-cache show --no-all-versions "$1" 2>/dev/null | grep '^Package:' >/dev/null; }

# Sets the named array to one offered alternative for each name; lists that don't know one are refreshed once.
resolve_names() {
  local -n chosen=$1
  shift
  local wanted name attempt unknown
  for attempt in 1 2; do
    chosen=() unknown=()
    for wanted in "$@"; do
      if name=$(first_offered "$wanted"); then chosen+=("$name"); else unknown+=("$wanted"); fi
    done
    [ "${#unknown[@]}" -gt 0 ] || return 0
    [ "$attempt" -eq 2 ] || apt_get update || true
  done
  die "no package source of this machine has: ${unknown[*]}"
}

first_offered() {
  local name
  for name in ${1//|/ }; do
    is_offered "$name" && printf '%s\n' "$name" && return 0
  done
  return 1
}

apt_install() {
  trap 'as_root rm -f "$kNoCluster"' EXIT
  as_root mkdir -p "${kNoCluster%/*}"
  echo 'create_main_cluster = false' | as_root tee "$kNoCluster" >/dev/null
  apt_get install --no-install-recommends "$@" || {
    complain "that failed; refreshes the package lists and tries once more"
    apt_get update
    apt_get install --no-install-recommends "$@" || die "apt-get can't install: $*"
  }
  as_root rm -f "$kNoCluster"
  trap - EXIT
}

# One at a time on the machine; waits for another package manager instead of failing.
apt_get() {
  as_root flock "$kAptLock" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}
