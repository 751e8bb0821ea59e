#!/usr/bin/env bash
# Fails when clang-tidy finds something in the sources; .clang-tidy says what it looks for.
#
#   tools/check_tidy.sh                   all sources of the program, its fuzz targets and every header they include
#   tools/check_tidy.sh --changed [REF]   those that differ from REF (default: main), or include a header that does
#   tools/check_tidy.sh FILE...           these sources
#
# Needs `tools/setup_packages.sh build clang`. Configures the clang preset, whose compile database it reads; builds
# nothing. As many run at a time as there are cores; JOBS=N sets another number.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Other versions know other checks; this one is Debian 12's.
wanted_version=14

say() { printf 'check_tidy.sh: %s\n' "$*" >&2; }

clang_tidy=
for candidate in "clang-tidy-$wanted_version" clang-tidy; do
  if command -v "$candidate" >/dev/null && "$candidate" --version | grep -q "version $wanted_version\."; then
    clang_tidy=$candidate
    break
  fi
done
if [[ -z "$clang_tidy" ]]; then
  say "clang-tidy $wanted_version is not installed; on Debian 12: tools/setup_packages.sh clang"
  exit 1
fi

list_all() { find src apps fuzz -name '*.cpp' | LC_ALL=C sort; }

# The sources that differ from $1, and those that include a header that does. A header is named in an #include by its
# path below include/, src/ or its own folder.
list_changed() {
  local base file name
  base=$(git merge-base "$1" HEAD)
  { git diff --name-only "$base"; git ls-files --others --exclude-standard; } | while read -r file; do
    [[ -f "$file" ]] || continue
    case "$file" in
      *.cpp) echo "$file" ;;
      *.h)
        name=${file#include/}
        name=${name#src/}
        list_all | xargs grep -lF -e "#include \"$name\"" -e "#include \"${file##*/}\"" || true
        ;;
    esac
  done | LC_ALL=C sort -u | grep -E '^(src|apps|fuzz)/' || true
}

case "${1:-}" in
  "") mapfile -t files < <(list_all) ;;
  --changed)
    reference=${2:-main}
    if ! git rev-parse -q --verify "$reference^{commit}" >/dev/null; then
      say "--changed: there is no commit '$reference' to compare with; give one, as in --changed origin/main"
      exit 2
    fi
    mapfile -t files < <(list_changed "$reference")
    ;;
  -*)
    say "unknown option '$1': expected --changed [REF], or files"
    exit 2
    ;;
  *) files=("$@") ;;
esac
if ((${#files[@]} == 0)); then
  say "no source to check"
  exit 0
fi
for file in "${files[@]}"; do
  if [[ ! -f "$file" ]]; then
    say "$file: there is no such file"
    exit 2
  fi
done

configured=$(cmake --preset clang -DSVD_TESTS=ON 2>&1) || { printf '%s\n' "$configured" >&2; exit 1; }

# Each file's findings in one piece; how many warnings of system headers were left out is not of interest.
export clang_tidy
check() {
  local output
  if ! output=$("$clang_tidy" -p build/clang --quiet "$1" 2>&1); then
    printf '%s\n' "$output" | grep -v -E '^[0-9]+ warnings? (generated|treated as error)' || true
    return 1
  fi
}
export -f check
TIMEFORMAT='check_tidy.sh: took %0R s, %0U s of CPU time'
if time printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "${JOBS:-$(nproc)}" bash -c 'check "$1"' check; then
  echo "check_tidy.sh: nothing found in ${#files[@]} sources"
else
  say "clang-tidy objects to the above; what is meant as it stands gets a NOLINT(check) with the reason"
  exit 1
fi
