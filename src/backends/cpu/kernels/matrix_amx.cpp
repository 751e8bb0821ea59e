// AMX's tile registers for amx_matrix-inl.h. In assembly, because the compiler's intrinsics take the number of a tile
// as a literal only, not as a template argument.
#include <cstddef>

#include "backends/cpu/kernels/amx_matrix-inl.h"

namespace svd::kernels {
namespace {

// What ldtilecfg reads (Intel 64 and IA-32 Architectures Software Developer's Manual, LDTILECFG).
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64 && offsetof(TileConfig, row_bytes) == 16 && offsetof(TileConfig, rows) == 48);

struct HardwareTiles {
  static void release() { asm volatile("tilerelease"); }

  static void configure(int64_t rows) {
    TileConfig config;
    for (int tile = 0; tile < 8; ++tile) {
      config.row_bytes[tile] = 64;
      config.rows[tile] = static_cast<uint8_t>(tile < 6 ? rows : kStripRows);
    }
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  template <int kTile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  static void load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  static void store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kSum, int kLeft, int kRight>
  static void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kLeft), "i"(kRight));
  }
};

}  // namespace

// Half a panel of 512 rows is 32 KiB, two thirds of the first-level cache.
constinit const MatrixKernel kAmxBf16Matrix{"amx_bf16", 512, AmxMatrix<HardwareTiles>::accumulate,
                                            AmxMatrix<HardwareTiles>::enter, AmxMatrix<HardwareTiles>::leave};

}  // namespace svd::kernels
