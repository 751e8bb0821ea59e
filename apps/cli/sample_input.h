// What a run starts from: images and a checkpoint.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "svd/image.h"
#include "svd/options.h"

namespace svd::cli {

// The file of the picture that is used by default; for svd_demo, one from the world it knows. Throws Error(bad_file) if
// it is not installed.
std::filesystem::path bundled_image(Version version);

// The path itself or, for a folder, the images in it in natural order of their names (image_folder.h), with a warning
// that says what was skipped. A file that is skipped, or turns out to be damaged, draws no random numbers: the other
// images get the noise they would get in a folder without it. Throws Error(bad_file) if there are none.
std::vector<std::filesystem::path> image_files_at(const std::filesystem::path& path);

// Reads an image and fits it to the model; warns about small damage and about sizes that the model was not trained on.
// Throws Error(bad_file), whatever is wrong with the image, with a message that names the file.
Image read_fitted_image(const std::filesystem::path& path, Version version, ColorPolicy color = ColorPolicy::convert);

// `given` or, if that is empty, the version's file in the default places; svd_demo's is bundled. Throws Error(bad_file)
// with a message that says where to get the file.
std::filesystem::path find_checkpoint(const std::string& given, Version version);

// The same in `folder` or, if that is empty, in the default places; svd_demo's bundled file is found either way.
std::filesystem::path find_checkpoint_in(const std::string& folder, Version version);

}  // namespace svd::cli
