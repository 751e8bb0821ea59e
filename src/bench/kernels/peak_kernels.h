// Loops that do nothing but multiply and add in registers: the most arithmetic a core can do. One file per instruction
// set; a function may only be called where the CPU has it.
//
// Each runs `iterations` of its loop and returns a sum of all accumulators. The accumulators start from different
// values and floating-point additions may not be reordered, so a compiler that keeps the sum keeps the whole loop.
#pragma once

#include <cstdint>

namespace svd::bench {

// Floating-point operations of one iteration: accumulators x lanes x 2 (x 2 or 32 products per lane).
constexpr double kPeakAvx2Flops = 12 * 8 * 2;
constexpr double kPeakAvx512Flops = 24 * 16 * 2;
constexpr double kPeakAvx512Bf16Flops = 24 * 16 * 2 * 2;
constexpr double kPeakAmxBf16Flops = 4 * (16 * 16) * 2 * 32;

float peak_avx2(int64_t iterations);         // vfmadd231ps ymm
float peak_avx512(int64_t iterations);       // vfmadd231ps zmm
float peak_avx512_bf16(int64_t iterations);  // vdpbf16ps zmm
float peak_amx_bf16(int64_t iterations);     // tdpbf16ps, after request_amx_permission()

// Asks the kernel for the tile registers, for all threads of this process. Throws Error(unsupported).
void request_amx_permission();

}  // namespace svd::bench
