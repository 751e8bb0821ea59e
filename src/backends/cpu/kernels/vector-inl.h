// Loading and storing float32 vectors from float and bf16 memory. Included once per instruction set.
#if defined(SVD_KERNELS_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SVD_KERNELS_VECTOR_INL_H_
#undef SVD_KERNELS_VECTOR_INL_H_
#else
#define SVD_KERNELS_VECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <iterator>

#include "backends/cpu/kernels/gelu.h"
#include "base/half.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;

inline size_t lanes() { return hn::Lanes(F()); }

inline V load(const float* p) { return hn::LoadU(F(), p); }

inline V load(const bf16* p) {
  const hn::RebindToUnsigned<F> u32;
  const hn::Rebind<uint16_t, F> u16;
  const auto bits = hn::LoadU(u16, reinterpret_cast<const uint16_t*>(p));
  return hn::BitCast(F(), hn::ShiftLeft<16>(hn::PromoteTo(u32, bits)));
}

inline void store(V v, float* p) { hn::StoreU(v, F(), p); }

// Rounds to nearest, ties to even, as to_bf16() does (finite values and infinities).
inline void store(V v, bf16* p) {
  const hn::RebindToUnsigned<F> u32;
  const hn::RebindToSigned<F> i32;
  const hn::Rebind<uint16_t, F> u16;
  const auto bits = hn::BitCast(u32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(u32, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(u32, 0x7FFF))));
  hn::StoreU(hn::DemoteTo(u16, hn::BitCast(i32, rounded)), u16, reinterpret_cast<uint16_t*>(p));
}

// The last, incomplete vector of a row: lanes beyond `count` are zero when loaded and not written when stored.
inline V load_part(const float* p, size_t count) { return hn::MaskedLoad(hn::FirstN(F(), count), F(), p); }

inline V load_part(const bf16* p, size_t count) {
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)] = {};
  for (size_t i = 0; i < count; ++i) buffer[i] = svd::to_f32(p[i]);
  return hn::Load(F(), buffer);
}

template <typename T>
inline void store_part(V v, T* p, size_t count) {
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(float)];
  store(v, buffer);
  for (size_t i = 0; i < count; ++i) p[i] = buffer[i];
}

// Calls body(i, load, store) for whole vectors and once for the rest, so that a kernel writes its arithmetic once.
template <typename Whole, typename Part>
inline void for_vectors(int64_t n, const Whole& whole, const Part& part) {
  const int64_t step = static_cast<int64_t>(lanes());
  int64_t i = 0;
  for (; i + step <= n; i += step) whole(i);
  if (i < n) part(i, static_cast<size_t>(n - i));
}

// 2^x for x <= 0 or moderately above; below -126 it goes to 0. The polynomial is the Taylor series of 2^f on
// |f| <= 1/2, whose first omitted term, (f ln 2)^7 / 7!, is below 2^-22 of the result.
inline V exp2(V x) {
  const F f32;
  const hn::RebindToSigned<F> i32;
  const V clamped = hn::Max(x, hn::Set(f32, -126.0f));
  const V whole = hn::Round(clamped);
  const V f = hn::Sub(clamped, whole);
  constexpr double ln2 = 0.69314718055994530942;
  constexpr double c2 = ln2 * ln2 / 2, c3 = c2 * ln2 / 3, c4 = c3 * ln2 / 4, c5 = c4 * ln2 / 5, c6 = c5 * ln2 / 6;
  V p = hn::Set(f32, static_cast<float>(c6));
  p = hn::MulAdd(p, f, hn::Set(f32, static_cast<float>(c5)));
  p = hn::MulAdd(p, f, hn::Set(f32, static_cast<float>(c4)));
  p = hn::MulAdd(p, f, hn::Set(f32, static_cast<float>(c3)));
  p = hn::MulAdd(p, f, hn::Set(f32, static_cast<float>(c2)));
  p = hn::MulAdd(p, f, hn::Set(f32, static_cast<float>(ln2)));
  p = hn::MulAdd(p, f, hn::Set(f32, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(i32, whole));
  const V result = hn::BitCast(f32, hn::Add(hn::BitCast(i32, p), exponent));
  return hn::IfThenElseZero(hn::Ge(x, hn::Set(f32, -126.0f)), result);
}

constexpr float kLog2E = 1.44269504088896340736f;

// x / (1 + e^-x). e^-x is capped at 2^126, where the quotient is 0 to float32 anyway.
inline V silu(V x) {
  const F f32;
  const V e = exp2(hn::Min(hn::Mul(x, hn::Set(f32, -kLog2E)), hn::Set(f32, 126.0f)));
  return hn::Div(x, hn::Add(e, hn::Set(f32, 1.0f)));
}

// See gelu.h.
inline V gelu(V x) {
  const F f32;
  const V bound = hn::Set(f32, kGeluBound), minus_bound = hn::Set(f32, -kGeluBound);
  const V near = hn::Max(hn::Min(x, bound), minus_bound);
  const V u = hn::Mul(near, near);
  V p = hn::Set(f32, kGeluPolynomial[0]);
  for (size_t i = 1; i < std::size(kGeluPolynomial); ++i) p = hn::MulAdd(p, u, hn::Set(f32, kGeluPolynomial[i]));
  const V phi = hn::MulAdd(near, p, hn::Set(f32, 0.5f));
  // Far below, x times the little that is left of Phi would grow again. (In this order a NaN stays one.)
  return hn::Mul(hn::Max(minus_bound, x), phi);
}

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
