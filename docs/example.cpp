// A picture becomes a video, written while it is decoded: the whole library in a page.
#include <svd/svd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

int main(int argc, char** argv) try {
  if (argc != 5) return std::puts("usage: example CHECKPOINT PICTURE VIDEO.mp4 STEPS"), 2;
  svd::Model model({.version = svd::Version::svd, .checkpoint = argv[1]});
  svd::Random random(23);
  svd::Request request{.image = svd::fit_to_model(svd::read_image(argv[2])), .num_steps = std::atoi(argv[4])};

  std::optional<svd::VideoWriter> writer;
  request.keep_frames = false;  // the writer has them
  request.on_frames = [&](const svd::FrameChunk& chunk) {
    if (!writer)
      writer.emplace(argv[3], request.image.width, request.image.height, svd::VideoOptions{.fps = chunk.fps});
    for (const svd::Image& frame : chunk.frames) writer->add(frame);
  };
  model.generate(request, random, [](const svd::Progress& p) {
    std::printf("\r%s %3.0f%%", svd::name_of(p.phase).data(), 100 * p.fraction);
    return true;  // false would cancel
  });
  writer->finish();
} catch (const svd::Error& e) {
  return std::fprintf(stderr, "%s\n", e.what()), 1;
}
