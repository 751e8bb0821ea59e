#!/usr/bin/env bash
# Deleting an optional backend's folder leaves a project that builds and passes: tries it on a copy of the sources.
#
#   tests/optional_backend_test.sh SOURCE WORK BACKEND
#
# WORK is a folder of its own. Takes minutes: the ctest label is `long`.
set -euo pipefail
source=$1 work=$2 backend=$3

# Only what git would take along.
rm -rf "$work/tree" && mkdir -p "$work/tree"
git -C "$source" ls-files -co --exclude-standard -z |
  tar -C "$source" --null --files-from=- --ignore-failed-read -cf - | tar -C "$work/tree" -xf -
rm -rf "$work/tree/src/backends/$backend"

cmake -S "$work/tree" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSVD_TESTS=ON >"$work/configure.log"
cmake --build "$work/build" --target svd ops_test models_test pipeline_test >"$work/build.log" || {
  tail -n 40 "$work/build.log"
  exit 1
}
"$work/build/svd" sample --help >/dev/null
export OMP_WAIT_POLICY=passive
"$work/build/tests/ops_test" --gtest_brief=1
"$work/build/tests/models_test" --gtest_brief=1 --gtest_filter='-*full*'
"$work/build/tests/pipeline_test" --gtest_brief=1 --gtest_filter='-*full*'
