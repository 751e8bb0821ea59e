// What a run starts from: pictures and a checkpoint.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "svd/image.h"
#include "svd/options.h"

namespace svd::cli {

// The picture that is used when none is given: for svd_demo one of the kind that it knows. Throws Error(bad_file) when
// it was not installed.
std::filesystem::path bundled_picture(Version version);

// The pictures that a path names: itself, or those of a folder in natural order of their names (picture_folder.h), with
// a warning that says what was passed over. What is passed over, or turns out to be damaged, draws no random numbers:
// the other pictures get the noise they would get in a folder without it. Throws Error(bad_file) when there are none.
std::vector<std::filesystem::path> pictures_at(const std::filesystem::path& path);

// Reads a picture and fits it to the model; warns of small damage and of sizes that the model was not trained on.
// Throws Error(bad_file), whose message names the file, whatever is wrong with the picture.
Image read_picture(const std::filesystem::path& path, Version version, ColorPolicy color = ColorPolicy::convert);

// `given`, or the file of that version in the usual places when it is empty; svd_demo's comes with the program. Throws
// Error(bad_file) with a message that says where the file is to come from.
std::filesystem::path find_checkpoint(const std::string& given, Version version);

// The same in `folder`, or in the usual places when it is empty; svd_demo's comes with the program in both.
std::filesystem::path find_checkpoint_in(const std::string& folder, Version version);

}  // namespace svd::cli
