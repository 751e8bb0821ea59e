#!/usr/bin/env bash
# Sets up and runs all tests: installs the packages that are missing, builds, checks the sources' format, runs ctest.
#
#   ./test.sh                    the optimised build
#   ./test.sh asan|tsan|debug    that preset of CMakePresets.json
#   ./test.sh release -R media   further arguments go to ctest
#
# Safe to run again; only what changed is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

preset=release
if (($# > 0)) && [[ "$1" != -* ]]; then
  preset=$1
  shift
fi
case "$preset" in
  release | debug | asan | tsan) ;;
  *)
    echo "test.sh: unknown preset '$preset': expected release, debug, asan or tsan" >&2
    exit 2
    ;;
esac

say() { printf '\ntest.sh: %s\n' "$*"; }

tools/setup_packages.sh build test

say "configuring and building, preset $preset"
cmake --preset "$preset" -DSVD_TESTS=ON
cmake --build --preset "$preset"

# A file out of format must not hide what the tests say, so both run and either fails.
say "checking the format"
format_status=0
tools/check_format.sh || format_status=$?

say "running the tests"
test_status=0
ctest --preset "$preset" -j2 -LE '^long$' --output-on-failure --no-tests=error "$@" || test_status=$?

if ((test_status != 0)); then
  say "FAILED: preset $preset, see ctest's list above; ./test.sh $preset --rerun-failed runs only those again" >&2
elif ((format_status != 0)); then
  say "FAILED: the tests passed, but the format check did not; run tools/check_format.sh --fix" >&2
else
  say "all tests passed, preset $preset"
fi
exit $((test_status != 0 ? test_status : format_status))
