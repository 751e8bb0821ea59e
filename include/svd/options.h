// What to run, and on what.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "svd/export.h"

namespace svd {

// The published models, which share one network and differ in what they were trained for and in the decoder; and
// svd_demo, a small one of our own that comes with the program.
enum class Version { svd, svd_xt, svd_image_decoder, svd_xt_image_decoder, svd_xt_1_1, svd_demo };

// What is used for a version when nothing else is asked for: what the reference does.
struct VersionDefaults {
  std::string_view name;  // "svd_xt": of the --version option and of the checkpoint file
  int num_frames;
  int num_steps;
  float min_guidance;     // at the first frame
  float max_guidance;     // at the last
  bool temporal_decoder;  // else frames are decoded one by one
  int width, height;      // of the pictures that it was trained on, in pixels
  bool own_size_only;     // fit_to_model() brings every picture to that size
};
SVD_API const VersionDefaults& defaults_of(Version version);
SVD_API std::span<const Version> all_versions();
SVD_API std::optional<Version> version_named(std::string_view name);

enum class DeviceKind {
  automatic,  // the best that is there
  cpu,
  cuda,       // not in every build: asking for one that is not there is an Error(unsupported)
  reference,  // plain loops in float32, for checking; slow
};

// A device and, where there are several of its kind, which. Written "auto", "cpu", "cuda", "cuda:1", "reference".
struct Device {
  DeviceKind kind = DeviceKind::automatic;
  int index = 0;

  Device() = default;
  // Implicit on purpose: a kind is a device, the first one.
  Device(DeviceKind k, int i = 0) : kind(k), index(i) {}  // NOLINT(google-explicit-constructor)
  bool operator==(const Device&) const = default;
};
SVD_API std::string name_of(const Device& device);
SVD_API std::optional<Device> device_named(std::string_view name);

enum class Precision {
  automatic,  // bf16, but f32 on the reference device
  f32,
  bf16,  // weights and activations in bfloat16, sums in float32
};

SVD_API std::string_view name_of(Precision precision);  // "auto", "f32", ...

}  // namespace svd
