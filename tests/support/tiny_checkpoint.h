// Checkpoints of tiny networks on disk, for tests that need a file.
#pragma once

#include <filesystem>

#include "tensor/tensor.h"

namespace svd::test {

enum class Decoder { temporal, image };

// Made on first use and kept in the build folder for the other test programs; made again when the program that asks is
// newer. Safe when several programs ask at once.
std::filesystem::path tiny_checkpoint(Decoder decoder, DType type = DType::f16);

}  // namespace svd::test
