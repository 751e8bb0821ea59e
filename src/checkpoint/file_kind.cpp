#include "checkpoint/file_kind.h"

#include <cstring>

namespace svd {
namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

}  // namespace

std::string_view guess_kind(std::span<const std::byte> file) {
  while (!file.empty() && std::strchr(" \t\r\n", static_cast<int>(file[0])) && file[0] != std::byte{0}) {
    file = file.subspan(1);
  }
  constexpr std::string_view kPickle =
      "it is a PyTorch pickle (.ckpt, .pt or .bin), which this program does not read; "
      "use the .safetensors file of the same model";
  if (starts_with(file, "PK\x03\x04")) return kPickle;
  if (file.size() >= 2 && file[0] == std::byte{0x80} && file[1] >= std::byte{2} && file[1] <= std::byte{5}) {
    return kPickle;
  }
  if (starts_with(file, "version https://git-lfs")) {
    return "it is a Git LFS pointer, a short text in place of the model; fetch the model with `git lfs pull`";
  }
  if (starts_with(file, "<")) {
    return "it is an HTML or XML page, not a model; the download failed or needed a login; download it again";
  }
  if (starts_with(file, "{")) return "it is a JSON file, not a model; use the .safetensors file";
  if (starts_with(file, "GGUF")) return "it is a GGUF file; use the .safetensors file of the same model";
  return {};
}

}  // namespace svd
