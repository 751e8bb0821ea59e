#include "support/tiny_checkpoint.h"

#include <fmt/format.h>

#include "models/checkpoint_layout.h"

namespace svd::test {

std::filesystem::path tiny_checkpoint(Decoder decoder, DType type) {
  namespace fs = std::filesystem;
  const bool temporal = decoder == Decoder::temporal;
  const fs::path path = fs::path(SVD_TEST_DATA_DIR) /
                        fmt::format("tiny-{}-{}.safetensors", temporal ? "temporal" : "image", name_of(type));
  const fs::path program = fs::read_symlink("/proc/self/exe");
  if (!fs::exists(path) || fs::last_write_time(path) < fs::last_write_time(program)) {
    write_synthetic(path, checkpoint_layout(synthetic_config("tiny", temporal), TextSide::no), type,
                    Threads(available_cores()));
  }
  return path;
}

}  // namespace svd::test
