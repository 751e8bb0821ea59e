// Finds weights that no training leaves behind: NaN and infinities, and the zeros of a file that was not written to its
// end.
//
// Zeros are judged with care, for real files hold many. A bias may be all zero; so may be a row of a matrix whose
// channel died. Chance explains only short runs: even where half of the values are zero (small ones become zero in
// float16), the longest run among 10^9 is some 30 long. Damage comes in pieces of a disk's block or a download's, 4096
// bytes or more, and those do not end where rows do. So these are defects:
//   - a matrix or a convolution of 16 values or more, or a norm's scale (a vector called `weight`), all of it zero;
//   - in a matrix or a convolution a run of zeros of 4096 bytes or more, unless it consists of whole rows (a row is all
//     that belongs to one output channel) and these are at most a quarter of them.
// Vectors are not judged by their runs: whole groups of a bias stay at zero in good files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/tensor_source.h"

namespace svd {

// What a tensor's values are made of.
struct WeightScan {
  uint64_t elements = 0;
  uint64_t not_a_number = 0, infinite = 0;  // elements
  uint64_t first_not_finite = 0;            // index of an element, when there are any
  bool all_zero = false;                    // of either sign; false of nothing
  uint64_t zeros_begin = 0, zeros = 0;      // the longest run of zeros, in elements; runs below 512 bytes are not seen
};

// One pass, at the speed of memory; `bytes` need not be aligned. u8 is no type of weights: nothing is found in it.
// Thread-safe.
WeightScan scan_weights(std::span<const std::byte> bytes, DType type);

struct WeightDefect {
  enum class Kind { none, not_a_number, infinite, all_zero, zero_block };
  Kind kind = Kind::none;
  uint64_t first = 0;     // index of the first element that is wrong
  uint64_t count = 0;     // elements that are wrong; of a zero_block those of its longest run
  uint64_t elements = 0;  // of the tensor
  explicit operator bool() const { return kind != Kind::none; }
};

// Scans and judges, as said above, the bytes of a tensor. Thread-safe.
WeightDefect find_defect(std::string_view name, const TensorInfo& info, std::span<const std::byte> bytes);

// What is wrong, to stand behind the tensor's name: "3 of 512 values are NaN, the first is value 17".
std::string describe(const WeightDefect& defect);
// What has probably happened to the file, and what to do: "parts of the file were never written: ...".
std::string_view cause_of(const WeightDefect& defect);

}  // namespace svd
