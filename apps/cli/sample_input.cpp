#include "sample_input.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <iterator>

#include "base/fail.h"
#include "command.h"
#include "svd/model.h"

namespace svd::cli {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

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
    looked += "\n  " + fs::absolute(place).string();
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
  constexpr std::array<std::string_view, 4> kExtensions = {".jpg", ".jpeg", ".png", ".webp"};
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (!fs::exists(path, error)) {
      fail(ErrorCode::bad_file, "{}: no such file or folder (input_path)", path.string());
    }
    return {path};
  }
  std::vector<fs::path> files;
  for (auto it = fs::directory_iterator(path, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code ignored;  // such as a dangling link's: reading the file will report it
    const bool wanted = std::ranges::find(kExtensions, lower_extension(it->path())) != kExtensions.end();
    if (wanted && !it->is_directory(ignored)) files.push_back(it->path());
  }
  if (error) fail(ErrorCode::bad_file, "{}: the folder cannot be read: {}", path.string(), error.message());
  if (files.empty()) {
    fail(ErrorCode::bad_file, "{}: the folder has no .jpg, .jpeg, .png or .webp files (input_path)", path.string());
  }
  std::ranges::sort(files);
  return files;
}

Image read_fitted_image(const fs::path& path, Version version) {
  const VersionDefaults& model = defaults_of(version);
  const Image image = read_image(path);
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
