// Runs a fuzz target without libFuzzer: over the files of a folder, and over mutations of them that are the same every
// time. `fuzz_NAME ROUNDS FOLDER`
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

// One of: cut short, bytes changed, a piece repeated, a piece of another file put in.
Bytes mutated(const Bytes& input, const Bytes& other, std::mt19937& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  Bytes bytes = input;
  switch (below(4)) {
    case 0: bytes.resize(below(bytes.size())); break;
    case 1:
      for (size_t k = 1 + below(8); k > 0 && !bytes.empty(); --k)
        bytes[below(bytes.size())] = static_cast<uint8_t>(random());
      break;
    case 2: {
      const size_t start = below(bytes.size()), length = std::min(bytes.size() - start, below(64));
      const Bytes piece(bytes.begin() + static_cast<std::ptrdiff_t>(start),
                        bytes.begin() + static_cast<std::ptrdiff_t>(start + length));
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(start), piece.begin(), piece.end());
      break;
    }
    default: {
      const size_t at = below(bytes.size()), start = below(other.size());
      const size_t length = std::min({below(64), other.size() - start, bytes.size() - at});
      std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(start), length,
                  bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s ROUNDS FOLDER\n", argv[0]);
    return 2;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[2])) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<Bytes> inputs;
  for (const auto& path : paths) {
    std::ifstream stream(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "%s: no files\n", argv[2]);
    return 2;
  }
  std::mt19937 random(1);
  const int rounds = std::atoi(argv[1]);
  size_t runs = 0;
  for (const Bytes& input : inputs) {
    LLVMFuzzerTestOneInput(input.data(), input.size());
    for (int round = 0; round < rounds; ++round, ++runs) {
      const Bytes bytes = mutated(input, inputs[random() % inputs.size()], random);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
  }
  std::printf("%zu inputs, %zu mutations\n", inputs.size(), runs);
  return 0;
}
