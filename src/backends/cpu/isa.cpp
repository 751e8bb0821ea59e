#include "backends/cpu/isa.h"

#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstdlib>
#include <dnnl.hpp>
#include <iterator>
#include <vector>

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

// What oneDNN may use: it has looked at CPUID and, for AMX, asked the kernel for the tile registers. The first call
// settles it: set_max_cpu_isa() has no effect any more.
bool usable(Isa isa) {
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
  const char* forced = std::getenv("SVD_FORCE_ISA");
  const auto wanted = forced ? std::ranges::find(kAll, forced, name_of) : std::end(kAll);
  if (wanted != std::end(kAll)) {
    const dnnl::status status = dnnl::set_max_cpu_isa(dnnl_isa(*wanted));
    if (!usable(*wanted)) {
      fail(ErrorCode::unsupported, "SVD_FORCE_ISA={}: this CPU does not have it; it has: {}", forced,
           supported_names());
    }
    if (status != dnnl::status::success && supported_isas().back() != *wanted) {
      fail(ErrorCode::unsupported, "SVD_FORCE_ISA={}: too late, this process has used oneDNN before", forced);
    }
  }
  if (forced && *forced && wanted == std::end(kAll)) {
    fail(ErrorCode::unsupported, "SVD_FORCE_ISA={}: unknown; this CPU has: {}", forced, supported_names());
  }
  if (supported_isas().empty()) {
    fail(ErrorCode::unsupported, "the cpu backend needs a CPU with AVX2; use --device reference (slow) on this one");
  }
  const Isa best = supported_isas().back();
  if (best == Isa::avx2) hwy::DisableTargets(HWY_AVX2 - 1);  // Highway's better targets are the lower bits
  return best;
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
  std::ranges::copy_if(kAll, std::back_inserter(found), usable);
  return found;
}

Isa select_isa() {
  static const Isa selected = choose();
  return selected;
}

}  // namespace svd
