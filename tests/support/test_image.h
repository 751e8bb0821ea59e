// The test picture of the golden data, from its formula.
#pragma once

#include <cstdint>
#include <vector>

namespace svd::test {

// 8-bit RGB, [height, width, 3]; `k` shifts its phases.
std::vector<uint8_t> test_image(int height, int width, int k);

}  // namespace svd::test
