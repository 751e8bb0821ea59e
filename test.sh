#!/usr/bin/env bash
# Runs all tests: installs missing packages, builds, checks the format of the sources, and runs ctest.
#
#   ./test.sh                    the optimised build
#   ./test.sh asan|tsan|debug    another preset of CMakePresets.json
#   ./test.sh release -R media   other arguments go to ctest
#
# Safe to run again: only what has changed is rebuilt.
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

# A badly formatted file must not hide the result of the tests, so both checks run and either can fail.
say "checking the format"
format_status=0
tools/check_format.sh || format_status=$?

say "running the tests"
test_status=0
ctest --preset "$preset" -j2 -LE '^long$' --output-on-failure --no-tests=error "$@" || test_status=$?

if ((test_status != 0)); then
  say "FAILED: preset $preset; ctest lists the failures above; ./test.sh $preset --rerun-failed repeats only those" >&2
elif ((format_status != 0)); then
  say "FAILED: the tests passed, but the format check did not; its message is above" >&2
else
  say "all tests passed, preset $preset"
fi
exit $((test_status != 0 ? test_status : format_status))
