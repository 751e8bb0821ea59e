// How far PyTorch's own bfloat16 is from float32: the error that ours must not exceed (tests/golden/bf16_error.json).
#pragma once

#include <string>

namespace svd::test {

// For a tensor that the file does not list: the largest error it lists of that call.
double pytorch_bf16_error(const std::string& call, const std::string& tensor);

}  // namespace svd::test
