// The pictures of a folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace svd::cli {

// IMG_2 before IMG_10: runs of digits count as numbers, all else byte by byte. A strict weak order.
bool natural_less(std::string_view a, std::string_view b);

struct ImageFolder {
  std::vector<std::filesystem::path> images;  // in natural order of their names
  std::vector<std::string> skipped;           // "notes.txt (a text)", in the same order
};

// What can be read, whatever its ending, and what has a picture's ending, so that a damaged picture is an error and not
// passed over. Hidden files (macOS's ._a.png, .DS_Store) and folders count as nothing. Throws Error(bad_file) when the
// folder cannot be read.
ImageFolder look_into(const std::filesystem::path& folder);

// "a.txt (a text), b.psd (a Photoshop document) and 3 more".
std::string list_skipped(const std::vector<std::string>& skipped);

}  // namespace svd::cli
