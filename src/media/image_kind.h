// What a file is, by its first bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace svd {

enum class ImageKind { jpeg, png, webp, heif, avif, gif, tiff, other };

ImageKind image_kind(std::span<const std::byte> file);

// "a JPEG picture", ...; of ImageKind::other nothing.
std::string_view name_of(ImageKind kind);

// "a Photoshop document", "a video", "a text": what a file of no ImageKind is, as far as its first bytes tell; empty
// when unknown.
std::string_view describe_other(std::span<const std::byte> file);

}  // namespace svd
