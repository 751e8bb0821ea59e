#include "sample_options.h"

#include <limits>

#include "command.h"
#include "field_options.h"
#include "machine_options.h"
#include "option_types.h"

namespace svd::cli {
namespace {

constexpr const char* kFooter =
    "Names may be written with - or _, values after = or a space. The paths of the videos go to the standard output,\n"
    "everything else to the error output. The video has the picture's own size, at most 2097152 pixels (scale larger\n"
    "pictures first, best to 1024 x 576); only sides that are not multiples of 64 are cut down to the next lower\n"
    "one by resampling. svd_demo scales and crops to 192 x 128. Nothing is ever downloaded: weights are Stability\n"
    "AI's files, which you bring, except those of svd_demo.\n"
    "The environment variable SVD_FORCE_ISA (avx2, avx512, avx512_bf16, amx_bf16) makes the cpu device use no more.\n"
    "Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C (a second Ctrl-C stops at once).\n\n"
    "Examples:\n"
    "  svd sample --version svd_demo                           the demo model and a picture made for it\n"
    "  svd sample photo.jpg                                    14 frames, with checkpoints/svd.safetensors\n"
    "  svd sample --input_path=photos/ --version=svd_xt --output_folder=videos\n"
    "                                                          a video of 25 frames from each picture of a folder\n"
    "  svd sample photo.jpg --motion_bucket_id 40 --seed 7     less motion, another variant\n"
    "  svd sample photo.jpg --decoding_t 2                     less memory\n"
    "  video=$(svd sample photo.jpg --quiet)                   in a script\n";

void add_input_and_output(CLI::App& c, SampleOptions& o) {
  constexpr const char* kGroup = "Input and output";
  add_path(c, "--input_path,picture", o.input_path,
           "Picture (JPEG, PNG, WebP, HEIC, AVIF, TIFF or GIF), or folder: then one video\n"
           "for each picture in it, by name, 2 before 10; default: the bundled picture")
      ->group(kGroup);
  add_path(c, "--output_folder", o.output_folder,
           "Where the video goes as NNNNNN.mp4 and the picture as NNNNNN.jpg, N being the\n"
           "number of videos there; default: outputs/simple_video_sample/<version>")
      ->group(kGroup);
  add_number(c, "--fps", o.fps, {1, 120}, "Frame rate of the video file, 1 to 120; default: fps_id + 1")->group(kGroup);
  add_field_options(c, kGroup, o.request);
  add_path(c, "--save_tensors", o.save_tensors,
           "Safetensors file for all intermediates, to compare with the reference;\n"
           "takes one picture, not a folder of several")
      ->group(kGroup);
  c.add_flag("--profile", o.profile,
             "Say after each video where its time went: operations by kind and shape,\n"
             "their share and speed, and how much of the CPU's peak that is")
      ->group(kGroup);
  c.add_flag("--quiet,-q", o.quiet, "No progress and no summary, only warnings and errors")->group(kGroup);
  const Choices<ColorPolicy> colors = {{"convert", ColorPolicy::convert}, {"ignore", ColorPolicy::ignore}};
  add_choice(c, "--color", o.color, colors,
             "convert a picture's colour profile to sRGB, or ignore it as the reference does")
      ->capture_default_str()
      ->group(kGroup);
}

void add_model(CLI::App& c, SampleOptions& o) {
  constexpr const char* kGroup = "Model";
  add_choice(c, "--version", o.version, version_choices(),
             "svd, svd_xt, svd_image_decoder, svd_xt_image_decoder or svd_xt_1_1: Stability AI's;\n"
             "svd_demo: a small one that comes with the program and works at 192 x 128")
      ->capture_default_str()
      ->group(kGroup);
  add_path(c, "--checkpoint", o.checkpoint,
           "Weights; default: checkpoints/<version>.safetensors here, or\n"
           "<version>.safetensors in the folder that SVD_CHECKPOINTS names")
      ->group(kGroup);
}

void add_video(CLI::App& c, SampleOptions& o) {
  constexpr const char* kGroup = "Video";
  add_field_options(c, kGroup, o.request);
  add_number(c, "--seed", o.seed, {0, std::numeric_limits<uint64_t>::max()},
             "Of the random numbers, which are PyTorch's on a CPU. One stream runs through\n"
             "all pictures of a folder")
      ->capture_default_str()
      ->group(kGroup);
  c.add_flag("--seed_per_picture", o.seed_per_picture,
             "Start again from the seed for every picture of a folder: each then gets the\n"
             "video it would get alone")
      ->group(kGroup);
}

void add_machine(CLI::App& c, SampleOptions& o) {
  constexpr const char* kGroup = "Machine";
  add_field_options(c, kGroup, o.request);
  add_device(c, o.device)->group(kGroup);
  add_precision(c, o.precision)->group(kGroup);
  add_threads(c, o.threads)->group(kGroup);
}

}  // namespace

void add_sample_options(CLI::App& c, SampleOptions& o) {
  add_input_and_output(c, o);
  add_model(c, o);
  add_video(c, o);
  add_field_options(c, "Sampling", o.request);
  add_machine(c, o);
  c.footer(kFooter);
}

}  // namespace svd::cli
