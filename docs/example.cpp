// A picture becomes a video: the whole library in ten lines.
#include <svd/svd.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) try {
  if (argc != 5) return std::puts("usage: example CHECKPOINT PICTURE VIDEO.mp4 STEPS"), 2;
  svd::Model model({.version = svd::Version::svd, .checkpoint = argv[1]});
  svd::Random random(23);
  const svd::Request request{.image = svd::fit_to_model(svd::read_image(argv[2])), .num_steps = std::atoi(argv[4])};
  const svd::Video video = model.generate(request, random, [](const svd::Progress& p) {
    return std::printf("\r%s %3.0f%%", svd::name_of(p.phase).data(), 100 * p.fraction) > 0;
  });
  svd::write_mp4(argv[3], video.frames, {.fps = video.fps});
} catch (const svd::Error& e) {
  return std::fprintf(stderr, "%s\n", e.what()), 1;
}
