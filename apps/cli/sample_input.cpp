#include "sample_input.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/fail.h"
#include "checkpoint/file_kind.h"
#include "command.h"
#include "image_folder.h"
#include "sample_output.h"
#include "svd/model.h"

namespace svd::cli {
namespace {

namespace fs = std::filesystem;

std::string repository_of(Version version) {
  const bool xt = defaults_of(version).name.find("_xt") != std::string_view::npos;
  return fmt::format("stabilityai/stable-video-diffusion-img2vid{}{}", xt ? "-xt" : "",
                     version == Version::svd_xt_1_1 ? "-1-1" : "");
}

std::string_view published_size_of(Version version) {
  if (version == Version::svd_xt_1_1) return "4.78 GB";
  return defaults_of(version).temporal_decoder ? "9.56 GB" : "9.5 GB";
}

// Where a bundled file may be: in the installation, or else in the source tree.
std::array<fs::path, 2> bundled(const fs::path& file) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return {(program.parent_path() / SVD_INSTALLED_DATA / file).lexically_normal(), fs::path(SVD_SOURCE_DATA) / file};
}

fs::path file_of(Version version) { return fmt::format("{}.safetensors", defaults_of(version).name); }

// The version's file in the first of `places` that has it; svd_demo's bundled file is looked for last. `other_ways`
// ends the sentence "put it in one of these places".
fs::path first_of(std::vector<fs::path> places, Version version, std::string_view other_ways) {
  const bool is_bundled = version == Version::svd_demo;
  if (is_bundled) std::ranges::copy(bundled("models" / file_of(version)), std::back_inserter(places));
  std::string looked;
  std::error_code error;
  for (const fs::path& place : places) {
    if (fs::exists(place, error)) return place;
    const fs::path absolute = fs::absolute(place, error);  // not where the working folder is gone
    looked += "\n  " + (error ? place : absolute).string();
  }
  const std::string_view name = defaults_of(version).name;
  if (is_bundled) {
    fail(ErrorCode::bad_file,
         "no checkpoint for version {}, which is part of the program. Looked for:{}\nReinstall the program{}", name,
         looked, other_ways);
  }
  fail(ErrorCode::bad_file,
       "no checkpoint for version {}. Looked for:{}\n"
       "The weights are Stability AI's and not part of this program. Get {} ({}) from\n"
       "https://huggingface.co/{} (accept the licence there, then download),\n"
       "and put it in one of these places{}.\n"
       "To try the program without them: svd sample --version svd_demo",
       name, looked, file_of(version).string(), published_size_of(version), repository_of(version), other_ways);
}

}  // namespace

fs::path bundled_image(Version version) {
  const fs::path file = fs::path("assets") / (version == Version::svd_demo ? "toys.png" : "rocket.jpg");
  const std::array<fs::path, 2> places = bundled(file);
  std::error_code error;
  for (const fs::path& place : places) {
    if (fs::exists(place, error)) return place;
  }
  fail(ErrorCode::bad_file,
       "no input_path given, and the bundled picture was not found at {} or {}; name one: svd sample PICTURE",
       places[0].string(), places[1].string());
}

std::vector<fs::path> image_files_at(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (const fs::path link = dangling_link(path); !link.empty()) {
      fail(ErrorCode::bad_file, "{}: a link to {}, which does not exist (input_path)", link.string(),
           fs::read_symlink(link, error).string());
    }
    if (!fs::exists(path, error)) {
      fail(ErrorCode::bad_file, "{}: no such file or folder (input_path)", path.string());
    }
    return {path};
  }
  ImageFolder folder = look_into(path);
  if (folder.images.empty()) {
    fail(ErrorCode::bad_file, "{}: no picture in this folder (input_path){}{}", path.string(),
         folder.skipped.empty() ? "" : "; skipped: ", list_skipped(folder.skipped));
  }
  if (!folder.skipped.empty()) {
    warn(fmt::format("{}: skipped {}: {}", path.string(),
                     folder.skipped.size() == 1 ? "1 file that is no picture"
                                                : fmt::format("{} files that are no pictures", folder.skipped.size()),
                     list_skipped(folder.skipped)));
  }
  return std::move(folder.images);
}

namespace {

// Whatever is wrong with an image is one kind of error here, and its message names the file once.
Image read_as_it_is(const fs::path& path, ColorPolicy color) {
  try {
    return read_image(path, {.color = color, .on_warning = [&](std::string_view warning) {
                               warn(fmt::format("{}: {}", path.string(), warning));
                             }});
  } catch (const Error& e) {
    if (e.code() != ErrorCode::invalid_argument) throw;
    fail(ErrorCode::bad_file, "{}", e.what());
  }
}

}  // namespace

Image read_fitted_image(const fs::path& path, Version version, ColorPolicy color) {
  const VersionDefaults& model = defaults_of(version);
  const Image image = read_as_it_is(path, color);
  Image fitted;
  try {
    fitted = fit_to_model(image, version);
  } catch (const Error& e) {
    fail(ErrorCode::bad_file, "{}: {}", path.string(), e.what());
  }
  const bool resized = fitted.width != image.width || fitted.height != image.height;
  if (resized && model.own_size_only) {
    warn(fmt::format("{}: {} x {} (width x height); scaled and cropped to {} x {}, the only size that {} supports",
                     path.string(), image.width, image.height, fitted.width, fitted.height, model.name));
  } else if (resized) {
    warn(fmt::format("{}: {} x {} (width x height), expected multiples of 64; resized to {} x {}", path.string(),
                     image.width, image.height, fitted.width, fitted.height));
  }
  if (fitted.width != model.width || fitted.height != model.height) {
    warn(fmt::format("{}: {} x {}; the model was trained on {} x {} and may do worse at other sizes", path.string(),
                     fitted.width, fitted.height, model.width, model.height));
  }
  return fitted;
}

fs::path find_checkpoint(const std::string& given, Version version) {
  std::error_code error;
  if (!given.empty()) {
    if (const auto shard = shard_of(fs::path(given).filename().string())) {
      fail(ErrorCode::bad_file,
           "{}: file {} of {} of a checkpoint that was split ({}); this program needs it as one file, as Stability AI "
           "publishes it",
           given, shard->number, shard->count, shard->set);
    }
    if (!fs::exists(given, error)) {
      fail(ErrorCode::bad_file, "{}: no such file (checkpoint)", given);
    }
    return given;
  }
  const fs::path file = file_of(version);
  std::vector<fs::path> places = {fs::path("checkpoints") / file};
  if (const char* folder = std::getenv("SVD_CHECKPOINTS"); folder && *folder) {
    places.push_back(fs::path(folder) / file);
    places.push_back(fs::path(folder) / "checkpoints" / file);
  }
  return first_of(std::move(places), version,
                  ", or name the file with --checkpoint or its folder with the environment variable SVD_CHECKPOINTS");
}

fs::path find_checkpoint_in(const std::string& folder, Version version) {
  if (folder.empty()) return find_checkpoint({}, version);
  return first_of({fs::path(folder) / file_of(version)}, version, "");
}

}  // namespace svd::cli
