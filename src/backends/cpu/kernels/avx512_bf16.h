// How functions are compiled for AVX512-BF16 while the program around them stays on the baseline; for g++ and clang.
//
// Every function that uses its intrinsics carries the attribute, templates and lambdas too: neither compiler hands it
// down from the function around them. (g++'s `#pragma GCC target` would, but clang does not know it.)
#pragma once

#define SVD_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
