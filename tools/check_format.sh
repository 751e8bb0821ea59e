#!/usr/bin/env bash
# Fails when a source file is not formatted as .clang-format says. To repair: tools/check_format.sh --fix
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Other versions lay out some constructs differently; this one is Debian 12's.
wanted_version=14

clang_format=
found=
for candidate in "clang-format-$wanted_version" clang-format; do
  command -v "$candidate" >/dev/null || continue
  version=$("$candidate" --version | sed -nE 's/.*version ([0-9]+).*/\1/p')
  if [[ "$version" == "$wanted_version" ]]; then
    clang_format=$candidate
    break
  fi
  found="found version ${version:-unknown}"
done
if [[ -z "$clang_format" ]]; then
  echo "check_format.sh: the sources follow clang-format $wanted_version, ${found:-which is not installed}. Install it:" >&2
  echo "  Debian 12: apt-get install clang-format" >&2
  echo "  elsewhere: the package clang-format-$wanted_version, or pip install clang-format==14.0.6" >&2
  exit 1
fi

folders=()
for folder in include src apps tests bench fuzz; do
  [[ -d "$folder" ]] && folders+=("$folder")
done
mapfile -d '' -t files < <(find "${folders[@]}" -type f \( -name '*.h' -o -name '*.cpp' \) -print0)
if ((${#files[@]} == 0)); then
  exit 0
fi

if [[ "${1:-}" == --fix ]]; then
  "$clang_format" -i "${files[@]}"
elif "$clang_format" --dry-run -Werror "${files[@]}"; then
  echo "check_format.sh: ${#files[@]} files are formatted"
else
  echo "check_format.sh: the files above are not formatted; run tools/check_format.sh --fix" >&2
  exit 1
fi
