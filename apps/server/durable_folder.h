// Folders whose changes survive a power cut.
#pragma once

#include <filesystem>

namespace svd::server {

// With those above it. Throws Error(bad_file).
void make_folder(const std::filesystem::path& folder);

// A rename is only safe from a power cut when the folder it happened in is on the disk. Throws Error(bad_file).
void flush_folder(const std::filesystem::path& folder);

}  // namespace svd::server
