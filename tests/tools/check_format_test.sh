#!/usr/bin/env bash
# tools/check_format.sh must not pass where it cannot check: with another clang-format, or none.
set -uo pipefail
script=$1/tools/check_format.sh
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for tool in bash dirname sed find; do ln -s "$(command -v "$tool")" "$folder/$tool"; done

failures=0
expect_refusal() {
  local output status=0
  output=$(PATH=$folder "$script" 2>&1) || status=$?
  if ((status != 1)) || [[ "$output" != *"$1"*"apt-get install clang-format"* ]]; then
    echo "expected status 1 and a message with '$1', found status $status and: $output"
    failures=1
  fi
}

expect_refusal "not installed"
printf '#!%s\necho "clang-format version 19.1.7"\n' "$(command -v bash)" >"$folder/clang-format"
chmod +x "$folder/clang-format"
expect_refusal "found version 19"
exit "$failures"
