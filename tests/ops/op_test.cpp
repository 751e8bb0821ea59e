#include "op_test.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <type_traits>

#include "base/half.h"
#include "svd/error.h"

namespace svd::test {
namespace {

// SplitMix64's mixing step: good enough bits from a counter.
uint64_t mixed(uint64_t v) {
  v += 0x9E3779B97F4A7C15u;
  v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9u;
  v = (v ^ (v >> 27)) * 0x94D049BB133111EBu;
  return v ^ (v >> 31);
}

template <typename T>
void store(const Array& from, std::span<T> to) {
  for (size_t i = 0; i < to.size(); ++i) {
    const float value = static_cast<float>(from.values[i]);
    if constexpr (std::is_same_v<T, bf16>) {
      to[i] = to_bf16(value);
    } else if constexpr (std::is_same_v<T, f16>) {
      to[i] = to_f16(value);
    } else {
      to[i] = value;
    }
  }
}

template <typename T>
RawWeight raw_of(const Array& values, std::deque<std::vector<std::byte>>& memory) {
  auto& bytes = memory.emplace_back(values.values.size() * sizeof(T));
  store<T>(values, {reinterpret_cast<T*>(bytes.data()), values.values.size()});
  return {values.shape, dtype_of<T>(), bytes.data()};
}

double norm_of(const std::vector<double>& v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  return std::sqrt(squares);
}

}  // namespace

Array random_array(const Shape& shape, uint32_t seed, DType type, double scale) {
  Array result(shape);
  uint64_t counter = static_cast<uint64_t>(seed) << 32;
  for (double& v : result.values) {
    const double uniform = static_cast<double>(mixed(counter++) >> 11) * 0x1p-53;  // [0, 1)
    const float value = static_cast<float>((2 * uniform - 1) * std::sqrt(3.0) * scale);
    v = type == DType::bf16 ? to_f32(to_bf16(value)) : type == DType::f16 ? to_f32(to_f16(value)) : value;
  }
  return result;
}

Tensor make_input(Backend& backend, const Shape& shape, uint32_t seed, double scale) {
  return make_activation(backend, random_array(shape, seed, backend.numerics().activations, scale));
}

namespace {

Tensor uploaded(Backend& backend, const Array& values, DType type) {
  const std::vector<float> floats(values.values.begin(), values.values.end());
  return backend.upload(values.shape, floats, type);
}

}  // namespace

Tensor make_activation(Backend& backend, const Array& values) {
  return uploaded(backend, values, backend.numerics().activations);
}

Tensor make_f32(Backend& backend, const Array& values) { return uploaded(backend, values, DType::f32); }

Array make_weight(const Backend& backend, const Shape& shape, uint32_t seed, double scale) {
  return random_array(shape, seed, backend.numerics().activations, scale);
}

NormValues make_norm(int64_t channels, uint32_t seed, float epsilon) {
  NormValues w{.gamma = {}, .beta = {}, .epsilon = epsilon};
  for (const double v : random_array({channels}, seed, DType::f32, 0.3).values) {
    w.gamma.push_back(static_cast<float>(1 + v));
  }
  for (const double v : random_array({channels}, seed + 1, DType::f32, 0.5).values) {
    w.beta.push_back(static_cast<float>(v));
  }
  return w;
}

NormWeights pack_norm(Backend& backend, RawStore& raws, const NormValues& norm) {
  const auto array = [](const std::vector<float>& values) {
    Array a(Shape{static_cast<int64_t>(values.size())});
    a.values.assign(values.begin(), values.end());
    return a;
  };
  return backend.pack_norm(raws.f32(array(norm.gamma)), raws.f32(array(norm.beta)), norm.epsilon);
}

Array to_doubles(Backend& backend, const Tensor& t) {
  const std::vector<float> values = backend.download(t);
  Array result(t.shape());
  result.values.assign(values.begin(), values.end());
  return result;
}

RawWeight RawStore::f32(const Array& values) { return raw_of<float>(values, memory_); }
RawWeight RawStore::bf16(const Array& values) { return raw_of<svd::bf16>(values, memory_); }
RawWeight RawStore::f16(const Array& values) { return raw_of<svd::f16>(values, memory_); }

void expect_close(const Array& actual, const Array& expected, double tolerance) {
  ASSERT_EQ(actual.values.size(), expected.values.size()) << actual.shape.str() << " for " << expected.shape.str();
  std::vector<double> error(actual.values.size());
  double largest = 0;
  size_t worst = 0;
  for (size_t i = 0; i < error.size(); ++i) {
    ASSERT_TRUE(std::isfinite(actual.values[i])) << "element " << i << " is " << actual.values[i];
    error[i] = std::abs(actual.values[i] - expected.values[i]);
    largest = std::max(largest, std::abs(expected.values[i]));
    if (error[i] > error[worst]) worst = i;
  }
  const double scale = norm_of(expected.values);
  EXPECT_LE(norm_of(error), tolerance * scale) << "relative L2 error " << norm_of(error) / scale;
  // Wrong in a few elements among very many is wrong too. The error of a sum goes with the size of its terms, which a
  // result near the largest has as well.
  if (error.empty()) return;
  EXPECT_LE(error[worst], 4 * tolerance * largest)
      << "element " << worst << " of " << expected.shape.str() << ": expected " << expected.values[worst] << ", found "
      << actual.values[worst];
}

void OpTest::SetUp() {
  try {
    backend_ = GetParam().make();
  } catch (const Error& e) {
    if (e.code() != ErrorCode::unsupported) throw;
    GTEST_SKIP() << e.what();
  }
  // Memory that is handed out again holds NaN, so that whoever reads what nobody wrote is seen. A float32 NaN of these
  // bits is one in bfloat16 too, in both halves: 0x7FC0, 0x7FC0.
  const float nan = std::bit_cast<float>(0x7FC07FC0u);
  std::vector<Tensor> blocks;
  for (int64_t elements = 16; elements < int64_t{1} << 18; elements += elements / 8) {
    const std::vector<float> values(static_cast<size_t>(elements), nan);
    blocks.push_back(backend_->upload({elements}, values));
  }
}

Array OpTest::weight(const Shape& shape, uint32_t seed) {
  const double inputs = static_cast<double>(shape.numel() / shape[0]);
  return make_weight(*backend_, shape, seed, 1 / std::sqrt(inputs));
}

void OpTest::expect_result(const Tensor& actual, const Array& expected, double slack) {
  EXPECT_EQ(actual.type(), backend_->numerics().activations);
  expect_close(to_doubles(actual), expected, slack * GetParam().tolerance);
}

}  // namespace svd::test
