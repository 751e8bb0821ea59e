// The sizes of a model, which are read off the names and shapes of a file's tensors, and the plan that is made of them.
// A line of the input is a tensor: "name size size ...". Anything but Error(bad_file) is a bug; so is a sum that
// overflows, which the sanitizer sees.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "backends/registry/registry.h"
#include "models/config.h"
#include "pipeline/checkpoint_check.h"
#include "pipeline/plan.h"
#include "pipeline/settings.h"
#include "svd/error.h"

namespace {

using namespace svd;

class ListedTensors final : public TensorSource {
 public:
  explicit ListedTensors(std::istream& lines) {
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string name;
      words >> name;
      std::vector<int64_t> sizes;
      for (int64_t size = 0; sizes.size() < Shape::kMaxRank && words >> size;) sizes.push_back(size);
      try {
        index_.emplace(name, TensorInfo{.shape = Shape(std::span<const int64_t>(sizes)), .type = DType::bf16});
      } catch (const Error&) {  // negative or too large: no header gets past its checks with that
      }
    }
  }

  std::string describe() const override { return "fuzz"; }
  const Index& index() const override { return index_; }
  std::span<const std::byte> read(std::string_view, std::vector<std::byte>&) const override { std::abort(); }

 private:
  Index index_;
};

const Settings& small_settings() {
  static const Settings settings = [] {
    Request request;
    request.image = {.width = 64, .height = 64, .rgb = std::vector<uint8_t>(size_t{3} * 64 * 64)};
    request.num_frames = 2;
    return resolve(request, Version::svd);
  }();
  return settings;
}

const Backend& backend() {
  static const auto backend = make_backend({.device = DeviceKind::cpu, .precision = Precision::bf16});
  return *backend;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  try {
    const ListedTensors source(lines);
    const StableVideoConfig config = read_config(source);
    try {
      check_complete(source, config);
    } catch (
        const Error& error) {  // few inputs name all of a model's tensors, so the sizes are planned with all the same
      if (error.code() != ErrorCode::bad_file) std::abort();
    }
    plan_pipeline(config, small_settings(), backend());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_file) std::abort();
  }
  return 0;
}
