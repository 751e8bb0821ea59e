#!/usr/bin/env bash
# From a fresh Debian 12 to a first video: installs missing packages, builds the program, and animates a picture.
#
#   ./quickstart.sh                                   the demo model, with a picture from the world it knows
#   ./quickstart.sh toys.png --motion_bucket_id 200   another picture, which comes first; options go to `svd sample`
#   ./quickstart.sh photo.jpg --checkpoint checkpoints/svd_xt.safetensors --version svd_xt
#
# Safe to run again: nothing that exists is replaced.
set -euo pipefail
callers_folder=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
top=$PWD

say() { printf '\nquickstart.sh: %s\n' "$*"; }

# Whether an option is among the arguments: given num_frames "$@" finds --num_frames 7, --num_frames=7 and --num-frames=7.
given() {
  local name=$1 argument
  shift
  for argument in "$@"; do
    argument=${argument%%=*}
    [[ "${argument//-/_}" == "__${name}" ]] && return 0
  done
  return 1
}

svd=$top/build/release/svd
output=$top/outputs/quickstart

tools/setup_packages.sh build

# An existing build folder keeps its settings, as ./test.sh may have configured it with the tests.
if [[ ! -f build/release/build.ninja ]]; then
  say "configuring"
  cmake --preset release -DSVD_TESTS=OFF
fi
say "building"
cmake --build --preset release --target svd

cd "$callers_folder" # paths among the arguments are relative to it
options=()
if (($# > 0)) && [[ "$1" != -* ]] && [[ ! -e "$1" ]]; then
  echo "quickstart.sh: $1: no such picture" >&2
  exit 2
fi
if (($# > 0)) && [[ "$1" != -* ]]; then
  options+=("$1")
  shift
fi
given output_folder "$@" || options+=(--output_folder "$output")
if ! given checkpoint "$@" && ! given version "$@"; then
  options+=(--version svd_demo)
  demo=1
fi

say "$svd sample ${options[*]} $*"
"$svd" sample "${options[@]}" "$@"

if ! given output_folder "$@"; then
  newest=$(find "$output" -maxdepth 1 -name '*.mp4' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d ' ' -f 2-)
  if [[ -n "$newest" ]]; then
    say "the video is $newest"
  fi
fi
if [[ "${demo:-0}" == 1 ]]; then
  cat <<'END'

It was made by the demo model, which is small and knows only one world: coloured toys over hills (models/README.md). To
animate a photograph, download Stability AI's svd.safetensors to a folder and run

  ./quickstart.sh PICTURE --checkpoint FOLDER/svd.safetensors --version svd
END
fi
