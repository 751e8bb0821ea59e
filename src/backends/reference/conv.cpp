// Convolutions over the picture and over time.
#include "backends/reference/backend_class.h"

namespace svd::reference {
namespace {

struct Stored {
  float* result;
  const float* residual;  // or null
  // The outputs of one block at one position, plus the residual.
  void operator()(const BlockMatrix& m, int64_t position, int64_t block, const BlockMatrix::Sums& sums) const {
    const int64_t first = position * m.outputs() + m.first_output(block);
    for (int64_t j = 0; j < m.block_size(block); ++j) {
      const double sum = sums[static_cast<size_t>(j)] + (residual ? residual[first + j] : 0);
      result[first + j] = static_cast<float>(sum);
    }
  }
};

}  // namespace

std::unique_ptr<PackedWeights> ReferenceBackend::do_pack_conv2d(const Conv2dSpec&, const RawWeight& kernel,
                                                                const RawWeight* bias) {
  const std::span<const RawWeight> biases(bias, bias ? 1 : 0);
  return std::make_unique<PackedProduct>(BlockMatrix(pool(), threads_, {&kernel, 1}, biases));
}

std::unique_ptr<PackedWeights> ReferenceBackend::do_pack_temporal_conv(const RawWeight& kernel, const RawWeight& bias,
                                                                       float scale) {
  return std::make_unique<PackedProduct>(BlockMatrix(pool(), threads_, {&kernel, 1}, {&bias, 1}, scale));
}

Tensor ReferenceBackend::do_conv2d(const Tensor& x, const Conv2dWeights& w, const Shape& result_shape,
                                   ConvOptions options) {
  const BlockMatrix& m = matrix_of(*w.packed);
  const Conv2dSpec& spec = w.spec;
  const int64_t height = x.shape()[1], width = x.shape()[2];
  const int64_t zoom = spec.upsample ? 2 : 1;
  const int64_t frames = result_shape[0], out_height = result_shape[1], out_width = result_shape[2];

  Tensor result = new_result(result_shape);  // [T, H', W', out]
  const float* input = x.data<float>().data();
  const Stored store{result.data<float>().data(), residual_of(options.residual)};

  const auto pixel = [&](int64_t block, int64_t t, int64_t oy, int64_t ox) {
    BlockMatrix::Sums sums = m.bias(block);
    for (int64_t ky = 0; ky < spec.kernel; ++ky) {
      for (int64_t kx = 0; kx < spec.kernel; ++kx) {
        const int64_t iy = oy * spec.stride + ky - spec.pad_before;  // in the doubled picture when there is one
        const int64_t ix = ox * spec.stride + kx - spec.pad_before;
        if (iy < 0 || iy >= height * zoom || ix < 0 || ix >= width * zoom) continue;
        const int64_t source = (t * height + iy / zoom) * width + ix / zoom;
        m.accumulate(block, ky * spec.kernel + kx, input + source * spec.in_channels, sums);
      }
    }
    store(m, (t * out_height + oy) * out_width + ox, block, sums);
  };

  const int64_t lines = frames * out_height;
  threads_.for_ranges(m.blocks() * lines, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t block = task / lines, t = task % lines / out_height, oy = task % out_height;
      for (int64_t ox = 0; ox < out_width; ++ox) pixel(block, t, oy, ox);
    }
  });
  return result;
}

Tensor ReferenceBackend::do_temporal_conv(const Tensor& x, const TemporalConvWeights& w, const Shape& result_shape,
                                          ConvOptions options) {
  const BlockMatrix& m = matrix_of(*w.packed);
  const int64_t frames = x.shape()[0];
  const int64_t positions = x.shape().rows() / frames;  // of one frame

  Tensor result = new_result(result_shape);  // [T, H, W, out]
  const float* input = x.data<float>().data();
  const Stored store{result.data<float>().data(), residual_of(options.residual)};

  threads_.for_ranges(m.blocks() * frames * positions, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t block = task / (frames * positions), t = task / positions % frames, position = task % positions;
      BlockMatrix::Sums sums = m.bias(block);
      for (int64_t tap = 0; tap < 3; ++tap) {
        const int64_t source = t + tap - 1;
        if (source < 0 || source >= frames) continue;
        m.accumulate(block, tap, input + (source * positions + position) * w.in_channels, sums);
      }
      store(m, t * positions + position, block, sums);
    }
  });
  return result;
}

}  // namespace svd::reference
