// Where a run's videos go: numbered files in a folder.
#pragma once

#include <filesystem>
#include <vector>

namespace svd::cli {

// The pictures that a path names: itself, or the .jpg, .jpeg, .png and .webp files of a folder, sorted by name.
// Throws Error(bad_file) when there are none.
std::vector<std::filesystem::path> pictures_at(const std::filesystem::path& path);

// Makes the folder and checks that a file can be written there, before hours are spent on one.
// Throws Error(bad_file).
void prepare_folder(const std::filesystem::path& folder);

// NNNNNN.mp4 and NNNNNN.jpg: N is the number of .mp4 files in the folder, or the next number that is free.
struct OutputFiles {
  std::filesystem::path video, picture;
};
OutputFiles next_output(const std::filesystem::path& folder);

}  // namespace svd::cli
