#!/usr/bin/env bash
# Installs the Debian packages that this project needs. Returns at once if all of them are installed.
#
#   tools/setup_packages.sh build        to build and run the program
#   tools/setup_packages.sh build test   and its tests
#   tools/setup_packages.sh clang        to build it with clang, for clang-tidy and for the fuzz targets
#
# SVD_SKIP_PACKAGES=1 leaves the system alone: for other distributions, and for machines without root.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build pkg-config ccache
  libdnnl-dev libhwy-dev                                        # arithmetic
  nlohmann-json3-dev libcli11-dev libfmt-dev                    # checkpoint headers, options, messages
  libvips-dev zlib1g-dev                                        # reading and writing pictures
  libavformat-dev libavcodec-dev libavutil-dev libswscale-dev   # writing videos
  libssl-dev                                                    # SHA-256 of checkpoints
  libcpp-httplib-dev libsqlite3-dev libspdlog-dev libarchive-dev  # svd serve
)
test_packages=(
  libgtest-dev libgmock-dev
  ffmpeg                                                        # its ffprobe examines the videos
  chromium chromium-driver                                      # to test the page in a real browser
  node-typescript                                               # to check the types of the page's scripts
  clang-format
)
clang_packages=(
  clang clang-tidy libomp-dev
  libclang-rt-14-dev llvm-14                                    # sanitizers, libFuzzer, names in their reports
)

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

is_installed() { [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

missing_of() {
  local package
  for package in "$@"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    # sudo drops the environment, so settings are passed with env.
    sudo "$@"
  fi
}

wanted=()
for group in "$@"; do
  case "$group" in
    build) wanted+=("${build_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    clang) wanted+=("${clang_packages[@]}") ;;
    *) say "unknown group '$group': expected build, test or clang"; exit 2 ;;
  esac
done
if ((${#wanted[@]} == 0)); then
  say "no group given: expected one or more of build, test and clang"
  exit 2
fi

if [[ "${SVD_SKIP_PACKAGES:-0}" == 1 ]]; then
  exit 0
fi
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  say "this is not a Debian system. Install the equivalents of these Debian packages, then set SVD_SKIP_PACKAGES=1:"
  say "  ${wanted[*]}"
  exit 1
fi

mapfile -t missing < <(missing_of "${wanted[@]}")
if ((${#missing[@]} == 0)); then
  exit 0
fi

if ((EUID != 0)) && ! command -v sudo >/dev/null; then
  say "installing packages needs root or sudo, and some are missing. As root, run:"
  say "  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  exit 1
fi
say "installing ${missing[*]}"
as_root apt-get update -q
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"

mapfile -t missing < <(missing_of "${missing[@]}")
if ((${#missing[@]} > 0)); then
  say "apt-get reported success, but these packages are still missing: ${missing[*]}"
  exit 1
fi
