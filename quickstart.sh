#!/usr/bin/env bash
# From a fresh Debian 12 to a first video: installs the packages that are missing, builds, and animates a picture.
#
#   ./quickstart.sh                                   the bundled picture with a tiny synthetic network
#   ./quickstart.sh photo.jpg --num_frames 14         another picture (first!); options go to `svd sample`
#   ./quickstart.sh photo.jpg --checkpoint checkpoints/svd_xt.safetensors --version svd_xt
#
# Safe to run again; what is already there is kept.
set -euo pipefail
callers_folder=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
top=$PWD

say() { printf '\nquickstart.sh: %s\n' "$*"; }

# Whether the user gave an option: given num_frames "$@" finds --num_frames 7, --num_frames=7 and --num-frames=7.
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
tiny=$top/checkpoints/tiny-svd.safetensors
bundled_picture=$top/assets/rocket.jpg
output=$top/outputs/quickstart

tools/setup_packages.sh build

# An existing build folder keeps its settings: ./test.sh may have configured it with the tests.
if [[ ! -f build/release/build.ninja ]]; then
  say "configuring"
  cmake --preset release -DSVD_TESTS=OFF
fi
say "building"
cmake --build --preset release --target svd

cd "$callers_folder" # paths among the arguments are relative to it
options=()
if (($# > 0)) && [[ "$1" != -* ]] && [[ ! -e "$1" ]]; then
  echo "quickstart.sh: there is no picture $1" >&2
  exit 2
fi
if ! given input_path "$@"; then
  picture=$bundled_picture
  if (($# > 0)) && [[ "$1" != -* ]]; then
    picture=$1
    shift
  fi
  options+=("$picture")
fi
given output_folder "$@" || options+=(--output_folder "$output")
if ! given checkpoint "$@" && ! given version "$@"; then
  if [[ ! -f "$tiny" ]]; then
    say "making a tiny synthetic checkpoint, $tiny"
    mkdir -p "$(dirname "$tiny")"
    "$svd" synth --size tiny --version svd --dtype f16 --output "$tiny"
  fi
  options+=(--checkpoint "$tiny" --version svd)
  # The tiny network is not trained: more frames and steps would only take longer.
  given num_frames "$@" || options+=(--num_frames 7)
  given num_steps "$@" || options+=(--num_steps 4)
  untrained=1
fi

say "$svd sample ${options[*]} $*"
"$svd" sample "${options[@]}" "$@"

if ! given output_folder "$@"; then
  newest=$(find "$output" -maxdepth 1 -name '*.mp4' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d ' ' -f 2-)
  if [[ -n "$newest" ]]; then
    say "the video is $newest"
  fi
fi
if [[ "${untrained:-0}" == 1 ]]; then
  cat <<'END'

The network behind it has random weights, so the video shows that everything works, and nothing more. For real ones put
Stability AI's svd.safetensors into a folder and run

  ./quickstart.sh PICTURE --checkpoint FOLDER/svd.safetensors --version svd
END
fi
