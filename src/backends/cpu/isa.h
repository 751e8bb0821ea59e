// Which instruction sets the kernels may use.
#pragma once

#include <string_view>
#include <vector>

namespace svd {

// In ascending order; each includes the ones before it.
enum class Isa { avx2, avx512, avx512_bf16, amx_bf16 };

std::string_view name_of(Isa isa);

// Those that this process may use, lowest first; none on a CPU without AVX2. Call select_isa() before it: asking
// settles what oneDNN uses.
std::vector<Isa> supported_isas();

// The instruction set of this process: the highest supported one, or the one that the environment variable
// SVD_FORCE_ISA names. Tells oneDNN and Highway on the first call; later calls return the same.
// Throws Error(unsupported) when the forced one is unknown or not there, or when there is none at all.
Isa select_isa();

}  // namespace svd
