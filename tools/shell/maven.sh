# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# Jars of tests/clients/java, which Spark takes in, fetched with Maven into build/clients and checked against their sums.
# Those for Delta Sharing not every repository has; where they are missing, the suite `readers` says what it can't ask.
# Fetched again only when the list changed.

readonly kJavaSources=tests/clients/java
readonly kJars=build/clients/java

install_maven() {
  local stamp
  [ "$1" = test ] || return 0
  stamp=$(cat "$kJavaSources"/* | sha256sum | cut -d' ' -f1)
  [ "$(cat "$kJars/.installed" 2>/dev/null)" != "$stamp" ] || return 0
  complain "installs the jars of $kJavaSources/pom.xml"
  rm -rf "$kJars"
  copy_jars delta "$kJars" >&2 || die "Maven can't fetch the jars of $kJavaSources/pom.xml; see its message above"
  (cd "$kJars" && sha256sum --quiet --check "$OLDPWD/$kJavaSources/jars.sha256") >&2 ||
    die "the jars that Maven fetched aren't those of $kJavaSources/jars.sha256"
  copy_jars sharing "$kJars/sharing" >/dev/null 2>&1 ||
    complain "Maven's repository doesn't have Delta Sharing for Spark: Spark won't be tried on shared tables"
  printf '%s\n' "$stamp" >"$kJars/.installed"
}

copy_jars() {
  mkdir -p "$2"
  mvn --batch-mode --quiet -Dstyle.color=never --strict-checksums --no-transfer-progress -Dmaven.repo.local="$PWD/build/maven" \
    -f "$kJavaSources/pom.xml" "dependency:copy@$1" -DoutputDirectory="$PWD/$2"
}
