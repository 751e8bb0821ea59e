#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/fail.h"
#include "bench/kernels/peak_kernels.h"

namespace svd::bench {
namespace {

constexpr int kTiles = 8;
constexpr int kRows = 16;
constexpr int kRowBytes = 64;  // 16 float32 of a sum, 32 bfloat16 of a factor

// What ldtilecfg reads (Intel 64 and IA-32 Architectures Software Developer's Manual, LDTILECFG).
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};  // of tiles 0 … 7; the rest is reserved and must be zero, as below
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64 && offsetof(TileConfig, row_bytes) == 16 && offsetof(TileConfig, rows) == 48);

struct alignas(64) TileMemory {
  uint8_t bytes[kRows * kRowBytes];
};

// gcc's tile loads do not tell the compiler that they read memory; this says that someone may.
inline void make_visible(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

}  // namespace

void request_amx_permission() {
  constexpr long kArchReqXcompPerm = 0x1023;  // ARCH_REQ_XCOMP_PERM of <asm/prctl.h>, Linux 5.16
  constexpr long kXfeatureXtiledata = 18;
  if (::syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) != 0) {
    fail(ErrorCode::unsupported,
         "the kernel does not let this process use AMX's tile registers: {}; set SVD_FORCE_ISA=avx512_bf16",
         std::strerror(errno));
  }
}

// The 32 x 32 block of a matrix product: sums in tiles 0 … 3, two tiles of the left matrix (4, 5), two of the right
// (6, 7). Four sums cover tdpbf16ps's latency (52 cycles) at one instruction per 16 cycles.
__attribute__((target("amx-tile,amx-bf16"))) float peak_amx_bf16(int64_t iterations) {
  TileConfig config;
  for (int i = 0; i < kTiles; ++i) {
    config.row_bytes[i] = kRowBytes;
    config.rows[i] = kRows;
  }
  TileMemory factors;
  for (size_t i = 0; i < sizeof factors.bytes; i += 2) {  // bfloat16 0x3d00 = 2^-5
    factors.bytes[i] = 0x00;
    factors.bytes[i + 1] = 0x3d;
  }
  make_visible(&config);
  make_visible(&factors);

  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, factors.bytes, kRowBytes);
  _tile_loadd(5, factors.bytes, kRowBytes);
  _tile_loadd(6, factors.bytes, kRowBytes);
  _tile_loadd(7, factors.bytes, kRowBytes);
  for (int64_t i = 0; i < iterations; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  TileMemory sums[4] = {};
  make_visible(sums);
  _tile_stored(0, sums[0].bytes, kRowBytes);
  _tile_stored(1, sums[1].bytes, kRowBytes);
  _tile_stored(2, sums[2].bytes, kRowBytes);
  _tile_stored(3, sums[3].bytes, kRowBytes);
  _tile_release();
  make_visible(sums);

  float total = 0;
  for (const TileMemory& sum : sums) {
    float first;
    std::memcpy(&first, sum.bytes, sizeof first);
    total += first;
  }
  return total;
}

}  // namespace svd::bench
