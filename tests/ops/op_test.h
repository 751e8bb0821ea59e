// The fixture of all tests of operations: a backend, deterministic inputs it can hold exactly, and comparison.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "array.h"
#include "backend_cases.h"
#include "expected.h"
#include "ops/backend.h"

namespace svd::test {

// Pseudo-random numbers with mean 0 and standard deviation `scale`, the same on every machine, rounded to `type`.
Array random_array(const Shape& shape, uint32_t seed, DType type, double scale = 1);

// An activation of random numbers: rounded to the backend's element type, so that to_doubles() is what it sees.
Tensor make_input(Backend& backend, const Shape& shape, uint32_t seed, double scale = 1);
Tensor make_activation(Backend& backend, const Array& values);
Tensor make_f32(Backend& backend, const Array& values);

// Weights the backend holds exactly: rounded to its element type.
Array make_weight(const Backend& backend, const Shape& shape, uint32_t seed, double scale);
// The values of a tensor in the backend's memory.
Array to_doubles(Backend& backend, const Tensor& t);

// Keeps the memory that RawWeights view.
class RawStore {
 public:
  RawWeight f32(const Array& values);
  RawWeight bf16(const Array& values);
  RawWeight f16(const Array& values);

 private:
  std::deque<std::vector<std::byte>> memory_;
};

// GroupNorm's or LayerNorm's weights, packed.
NormWeights pack_norm(Backend& backend, RawStore& raws, const NormValues& norm);

// Relative L2 error at most `tolerance`, no single element far off, no NaN.
void expect_close(const Array& actual, const Array& expected, double tolerance);

// What operations promise to compute in float32 whatever the backend's element type: conversions and sums of at most
// a few thousand products.
constexpr double kFloat32Tolerance = 1e-5;

class OpTest : public testing::TestWithParam<BackendCase> {
 protected:
  void SetUp() override;

  Backend& backend() { return *backend_; }
  Tensor input(const Shape& shape, uint32_t seed, double scale = 1) {
    return make_input(*backend_, shape, seed, scale);
  }
  // A matrix or kernel [out, in, ...] whose products keep the scale of what they are applied to.
  Array weight(const Shape& shape, uint32_t seed);
  Array bias(int64_t n, uint32_t seed) { return make_weight(*backend_, {n}, seed, 0.5); }
  RawWeight raw(const Array& values) { return raws_.f32(values); }
  NormWeights packed(const NormValues& norm) { return pack_norm(*backend_, raws_, norm); }
  Array to_doubles(const Tensor& t) { return test::to_doubles(*backend_, t); }

  // `slack` multiplies the backend's tolerance where an input is chosen to be hard.
  void expect_result(const Tensor& actual, const Array& expected, double slack = 1);

 private:
  std::unique_ptr<Backend> backend_;

 protected:
  RawStore raws_;
};

inline std::string test_name(const testing::TestParamInfo<BackendCase>& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

}  // namespace svd::test

// Every test of a suite for every backend.
#define SVD_TEST_ALL_BACKENDS(Suite) \
  INSTANTIATE_TEST_SUITE_P(Backends, Suite, testing::ValuesIn(svd::test::backend_cases()), svd::test::test_name)
