#!/usr/bin/env bash
# Fails when a source file is not formatted as .clang-format says. To repair: tools/check_format.sh --fix
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Other versions lay out some constructs differently; this one is Debian 12's.
wanted_version=14

if ! command -v clang-format >/dev/null; then
  echo "check_format.sh: skipped, clang-format is not installed"
  exit 0
fi
version=$(clang-format --version | sed -E 's/.*version ([0-9]+).*/\1/')
if [[ "$version" != "$wanted_version" ]]; then
  echo "check_format.sh: skipped, clang-format is version $version and the sources follow version $wanted_version"
  exit 0
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
  clang-format -i "${files[@]}"
elif clang-format --dry-run -Werror "${files[@]}"; then
  echo "check_format.sh: ${#files[@]} files are formatted"
else
  echo "check_format.sh: the files above are not formatted; run tools/check_format.sh --fix" >&2
  exit 1
fi
