#include "backends/cpu/isa.h"

#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <cstdlib>
#include <dnnl.hpp>

#include "base/fail.h"

namespace svd {
namespace {

constexpr Isa kAll[] = {Isa::avx2, Isa::avx512, Isa::avx512_bf16, Isa::amx_bf16};

dnnl::cpu_isa dnnl_isa(Isa isa) {
  switch (isa) {
    case Isa::avx2: return dnnl::cpu_isa::avx2;
    case Isa::avx512: return dnnl::cpu_isa::avx512_core;
    case Isa::avx512_bf16: return dnnl::cpu_isa::avx512_core_bf16;
    case Isa::amx_bf16: return dnnl::cpu_isa::avx512_core_amx;
  }
  fail(ErrorCode::internal, "unknown instruction set {}", static_cast<int>(isa));
}

// oneDNN checks CPUID and, for AMX, that the kernel lets this process have the tile registers.
bool supported(Isa isa) {
  const int wanted = static_cast<int>(dnnl_isa(isa));
  static const int best = static_cast<int>(dnnl::get_effective_cpu_isa());
  return (best & wanted) == wanted;  // the values are sets of feature bits
}

std::string supported_names() {
  std::vector<std::string_view> names;
  for (const Isa isa : supported_isas()) names.push_back(name_of(isa));
  return fmt::format("{}", fmt::join(names, ", "));
}

Isa choose() {
  const std::vector<Isa> there = supported_isas();
  if (there.empty()) {
    fail(ErrorCode::unsupported, "the cpu backend needs a CPU with AVX2; use --device reference (slow) on this one");
  }
  const char* forced = std::getenv("SVD_FORCE_ISA");
  if (!forced || !*forced) return there.back();
  for (const Isa isa : kAll) {
    if (name_of(isa) != forced) continue;
    if (!supported(isa)) {
      fail(ErrorCode::unsupported, "SVD_FORCE_ISA={}: this CPU does not have it; it has: {}", forced,
           supported_names());
    }
    return isa;
  }
  fail(ErrorCode::unsupported, "SVD_FORCE_ISA={}: unknown; this CPU has: {}", forced, supported_names());
}

Isa apply(Isa isa) {
  // Both calls must come before the first kernel of the library runs.
  if (dnnl::set_max_cpu_isa(dnnl_isa(isa)) != dnnl::status::success && isa != supported_isas().back()) {
    fail(ErrorCode::unsupported, "SVD_FORCE_ISA={}: too late, this process has used oneDNN before", name_of(isa));
  }
  if (isa == Isa::avx2) hwy::DisableTargets(HWY_AVX2 - 1);  // Highway's better targets are the lower bits
  return isa;
}

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::avx512_bf16: return "avx512_bf16";
    case Isa::amx_bf16: return "amx_bf16";
  }
  return "unknown";
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> found;
  for (const Isa isa : kAll) {
    if (supported(isa)) found.push_back(isa);
  }
  return found;
}

Isa select_isa() {
  static const Isa selected = apply(choose());
  return selected;
}

}  // namespace svd
