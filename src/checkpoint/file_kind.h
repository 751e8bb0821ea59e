// What a file is that should have been a checkpoint: people save a server's refusal, an archive or one shard of a set
// under a checkpoint's name.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace svd {

// What a file that cannot be a safetensors file probably is, and what to do about it, as the end of a sentence
// ("it is ..."); empty when unknown. What it quotes of the file is escaped and cut. Looks at the first and, for the
// name of an error, at most 64 KiB.
std::string guess_kind(std::span<const std::byte> file);

// One file of a checkpoint that was split: NAME-00001-of-00003.safetensors.
struct Shard {
  std::string set;  // "NAME-*-of-00003.safetensors"
  int number = 0, count = 0;
};
std::optional<Shard> shard_of(std::string_view file_name);

// Whether a file is named as browsers and download programs name what is not there yet.
bool is_named_unfinished(std::string_view file_name);

}  // namespace svd
