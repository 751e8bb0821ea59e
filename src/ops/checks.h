// What every operation checks of its arguments, once for all backends. All throw Error(internal): only a bug in this
// program can break them.
#pragma once

#include <string_view>

#include "ops/backend.h"

namespace svd::checks {

double bytes_of(const Tensor& t);
double bytes_of(const Operand& t);  // 0 for none
double bytes_of(DType type, const Shape& shape);

// "OP: expected EXPECTED, found TYPE SHAPE"
void check(bool condition, std::string_view op, std::string_view expected, const Tensor& found);

void check_memory(const Backend& b, std::string_view op, const Tensor& x);  // that the backend can reach it
// Activations of the backend's type; rank 0 for any from two on.
void check_operand(const Backend& b, std::string_view op, const Tensor& x, size_t rank = 0);
void check_vectors(const Backend& b, std::string_view op, const Tensor& x, std::string_view expected);  // f32 [R, C]
void check_channels(std::string_view op, const Tensor& x, int64_t channels);
void check_same_shape(std::string_view op, const Tensor& x, const Shape& shape);
void check_residual(const Backend& b, std::string_view op, const Operand& residual, const Shape& result);
void check_frame_bias(const Backend& b, std::string_view op, const Tensor* frame_bias, int64_t frames,
                      int64_t channels);
void check_group_moments(const Backend& b, std::string_view op, const Tensor& x, const GroupNormOptions& options);
void check_group_norm(const Backend& b, std::string_view op, const Tensor& x, const NormWeights& w,
                      const GroupNormOptions& options);
void check_weight(std::string_view what, const RawWeight& w, const Shape& shape);

Shape with_channels(const Shape& shape, int64_t channels);

}  // namespace svd::checks
