#!/usr/bin/env bash
# Builds the fuzz targets with clang, libFuzzer and sanitizers, and runs each for a while; fails when one finds something.
#
#   tools/fuzz.sh [SECONDS [TARGET...]]     each target, or those named, for 60 seconds or as many as given
#
# Needs `tools/setup_packages.sh build clang`. What a run learns is kept in build/fuzz/learnt/TARGET and goes on from
# there; an input that fails is kept in build/fuzz/failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all_targets=(picture settings multipart headers checkpoint model http)

seconds=${1:-60}
targets=("${@:2}")
if ! [[ "$seconds" =~ ^[1-9][0-9]*$ ]]; then
  echo "fuzz.sh: SECONDS: expected a whole number above 0, found $seconds" >&2
  exit 2
fi
((${#targets[@]} > 0)) || targets=("${all_targets[@]}")
for target in "${targets[@]}"; do
  if [[ " ${all_targets[*]} " != *" $target "* ]]; then
    echo "fuzz.sh: unknown target '$target': expected one or more of ${all_targets[*]}" >&2
    exit 2
  fi
done

cmake --preset fuzz
cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}"

mkdir -p build/fuzz/failed
failed=()
for target in "${targets[@]}"; do
  corpus=fuzz/corpus/$target
  [[ "$target" == picture ]] && corpus=tests/media/data
  learnt=build/fuzz/learnt/$target
  mkdir -p "$learnt"
  echo "fuzz.sh: $target, $seconds seconds"
  "build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/failed/$target-" "$learnt" "$corpus" || failed+=("$target")
done
if ((${#failed[@]} > 0)); then
  echo "fuzz.sh: FAILED: ${failed[*]}; the inputs are in build/fuzz/failed, and build/fuzz/fuzz_TARGET FILE repeats one" >&2
  exit 1
fi
echo "fuzz.sh: nothing found by ${targets[*]}"
