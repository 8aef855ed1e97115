# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# What every suite shares: counting checks and handing the counts to tools/test through the file `counts`.

suite_passed=0 suite_failed=0
SUITE_DIR=${SUITE_DIR:?tools/test sets it}

# A suite that starts something defines this anew.
clean_up() { :; }
trap 'clean_up || true; printf "%d %d\n" "$suite_passed" "$suite_failed" >"$SUITE_DIR/counts"' EXIT
# A suite that is told to end must run the line above.
trap 'exit 143' TERM INT

check() {
  local title=$1
  shift
  if "$@"; then
    printf 'ok      %s\n' "$title"
    suite_passed=$((suite_passed + 1))
  else
    printf 'NOT OK  %s\n' "$title"
    suite_failed=$((suite_failed + 1))
  fi
}

# Adds up what another runner counted; a runner that fails without naming a failure counts as one.
add_counts() {
  local good=$1 bad=$2 status=${3:-0}
  [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  suite_passed=$((suite_passed + good)) suite_failed=$((suite_failed + bad))
}

suite_end() { [ "$suite_failed" -eq 0 ]; }

# Counts lines of a file that match an extended expression; none is no error.
count_lines() { grep -cE -- "$1" "$2" || true; }

clang_compiler() { command -v clang++-14 || command -v clang++; }

compiler_launcher() { ! command -v ccache >/dev/null || printf -- '-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'; }

# Configures and builds core, worker and unit tests in a tree of their own, warnings as errors. One at a time in a tree,
# because tools/test runs some suites beside others.
build_tree() {
  local tree=$1 targets=$2 launcher target=()
  shift 2
  launcher=$(compiler_launcher)
  mkdir -p "$tree" && exec 8>"$tree.lock" && flock 8
  cmake -S . -B "$tree" -G Ninja -DLAKEHOUSE_WARNINGS_AS_ERRORS=ON -DLAKEHOUSE_BUILD_TESTS=ON \
    ${launcher:+"$launcher"} "$@" || return 1
  read -ra target <<<"$targets"
  cmake --build "$tree" --parallel 2 --target "${target[@]}" -- -k 0 8>&-
  exec 8>&-
}

# The same by clang with sanitizers, in a tree for each set of them.
build_sanitized() {
  local tree=$1 sanitizers=$2 targets=$3
  shift 3
  # Without it, ccache lets no file with precompiled headers into its cache.
  CCACHE_SLOPPINESS=pch_defines,time_macros build_tree "$tree" "$targets" \
    -DCMAKE_CXX_COMPILER="$(clang_compiler)" -DLAKEHOUSE_SANITIZE="$sanitizers" "$@"
}

# One tree for unit tests and fuzz programs: what both are made of is compiled once.
build_for_fuzzing() { build_sanitized build/asan address,undefined "$1" -DLAKEHOUSE_BUILD_FUZZERS=ON; }

# No test program takes a third of this, sanitized or not; one that hangs is ended and its last test named.
readonly kProgramSeconds=400

# Runs one GoogleTest program and adds its counts. A skipped test counts as failed: it proved nothing.
run_gtest() {
  local program=$1 log status=0 good bad
  log=$SUITE_DIR/$(basename "$(dirname "$program")")-$(basename "$program").log
  timeout --kill-after=10 "$kProgramSeconds" "$program" --gtest_color=no >"$log" 2>&1 || status=$?
  cat "$log"
  if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    printf 'ended after %d s in: %s\n' "$kProgramSeconds" "$(grep '^\[ RUN  ' "$log" | tail -n 1)"
  fi
  good=$(count_lines '^\[       OK \] ' "$log")
  bad=$(count_lines '^\[  (FAILED|SKIPPED) +\] [^ ]+\.[^ ]+ \(' "$log")
  [ $((good + bad)) -gt 0 ] || status=1
  add_counts "$good" "$bad" "$status"
}

# Runs pytest and adds its counts, taken from its report. A skipped test counts as failed.
run_pytest() {
  local report=$SUITE_DIR/report.xml status=0 counts=()
  build/venv/bin/python -m pytest -p no:cacheprovider --color=no -q -rfEs --junitxml="$report" "$@" || status=$?
  if [ -s "$report" ]; then
    read -ra counts < <(build/venv/bin/python tools/suites/junit_counts.py "$report")
    add_counts "${counts[0]}" "${counts[1]}" "$status"
  else
    add_counts 0 1
  fi
}
