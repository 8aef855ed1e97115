# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# Arrow and Parquet for C++: the system's, else a prefix in build/arrow made of the official wheel's libraries and
# headers, which every build tree shares. Made again only when the wheel or the way of making it changed.

readonly kArrow=build/arrow
readonly kOldestArrow=20

install_arrow() {
  local stamp machine wheels=$kArrow.wheels
  ! pkg-config --exists "parquet >= $kOldestArrow" 2>/dev/null || return 0
  machine=$(uname -m)
  stamp=$({ printf '%s\n' "$machine" && cat tools/arrow.txt tools/arrow; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$kArrow/.installed" 2>/dev/null)" != "$stamp" ] || return 0
  complain "installs Arrow's libraries of tools/arrow.txt into $kArrow"
  rm -rf "$wheels" "$kArrow"
  "$kVenv/bin/python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
    --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 \
    --platform "manylinux_2_28_$machine" --dest "$wheels" -r tools/arrow.txt ||
    die "pip can't fetch the wheel of tools/arrow.txt, see its message above; give pip a source that has it" \
      "(PIP_INDEX_URL, PIP_FIND_LINKS), or install Arrow's packages libarrow-dev and libparquet-dev, $kOldestArrow or newer"
  "$kVenv/bin/python" tools/arrow "$wheels"/pyarrow-*.whl "$kArrow" || die "the wheel of tools/arrow.txt can't be used"
  rm -rf "$wheels"
  printf '%s\n' "$stamp" >"$kArrow/.installed"
}
