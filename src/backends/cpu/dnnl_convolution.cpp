// Convolutions in float32 by oneDNN on channels-last memory: over the picture, and over neighbouring frames as a
// convolution of a volume. (The latter is also one of a "picture" whose rows are whole frames; but for rows of a
// hundred thousand pixels oneDNN 2.6 takes seconds and hundreds of megabytes to prepare.)
#include "backends/cpu/dnnl_convolution.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "backends/cpu/dnnl_support.h"
#include "backends/cpu/operations.h"

namespace svd::cpu {
namespace {

using dnnl::convolution_forward;
using dnnl::memory;

struct Picture {
  int64_t count, height, width;
  auto operator<=>(const Picture&) const = default;
};

// What a convolution is, apart from the size of the pictures, in oneDNN's order of dimensions: channels first, though
// the memory is channels-last.
struct Geometry {
  int64_t in_channels, out_channels;
  memory::dims kernel, stride, pad_before, pad_after;  // rows and columns; or frames, rows and columns

  bool over_frames() const { return kernel.size() == 3; }

  memory::dims weights() const {
    memory::dims sizes = {out_channels, in_channels};
    sizes.insert(sizes.end(), kernel.begin(), kernel.end());
    return sizes;
  }
  memory::dims input(const Picture& p) const {
    return over_frames() ? memory::dims{1, in_channels, p.count, p.height, p.width}
                         : memory::dims{p.count, in_channels, p.height, p.width};
  }
  memory::dims result(const Picture& p) const {
    memory::dims sizes = input(p);
    sizes[1] = out_channels;
    for (size_t i = 0; i < kernel.size(); ++i) {
      sizes[2 + i] = (sizes[2 + i] + pad_before[i] + pad_after[i] - kernel[i]) / stride[i] + 1;
    }
    return sizes;
  }
  memory::format_tag plain_weights() const {
    return over_frames() ? memory::format_tag::oidhw : memory::format_tag::oihw;
  }
  memory::format_tag channels_last() const {
    return over_frames() ? memory::format_tag::ndhwc : memory::format_tag::nhwc;
  }
};

// oneDNN prefers different weight layouts for different picture sizes (mostly: how wide a block of output channels is).
// Weights are packed when they are loaded, for a typical size; the first picture may change the layout once; after that
// the layout stays, and a size for which it is not the best still runs on it, unless only plain loops could.
class Convolution {
 public:
  Convolution(Runtime& runtime, const Geometry& geometry, const Picture& typical, const RawWeight& kernel,
              const RawWeight* bias, float scale)
      : geometry_(geometry), bias_(bias_values(bias, scale)) {
    const auto plain = memory::desc(geometry_.weights(), dnnl_type(kernel.type), geometry_.plain_weights());
    const auto best = describe(runtime, typical, ResidualKind::none, nullptr);
    weights_ = pack(runtime, kernel, plain, best.weights_desc(), scale);
  }

  const Geometry& geometry() const { return geometry_; }

  // x and y are channels-last pictures; y may hold the residual (in_place).
  void run(Runtime& runtime, const Picture& picture, const std::byte* x, ResidualKind kind, const std::byte* residual,
           std::byte* y) {
    const Prepared& prepared = prepare(runtime, picture, kind);
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, runtime.wrap(prepared.description.src_desc(), x)},
        {DNNL_ARG_WEIGHTS, weights_.memory},
        {DNNL_ARG_DST, runtime.wrap(prepared.description.dst_desc(), y)},
    };
    if (!bias_.empty()) arguments[DNNL_ARG_BIAS] = runtime.wrap(prepared.description.bias_desc(), bias_.data());
    if (kind == ResidualKind::separate) {
      arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1] =
          runtime.wrap(prepared.description.dst_desc(), residual);
    }
    runtime.run(prepared.primitive, arguments);
  }

 private:
  struct Prepared {
    convolution_forward::primitive_desc description;
    convolution_forward primitive;
  };

  // The best kernel for weights in the layout `weights`, or, for null, in the layout that suits it best.
  convolution_forward::primitive_desc describe(Runtime& runtime, const Picture& p, ResidualKind kind,
                                               const memory::desc* weights) const {
    const Geometry& g = geometry_;
    const memory::desc x(g.input(p), kActivation, g.channels_last());
    const memory::desc y(g.result(p), kActivation, g.channels_last());
    const memory::desc any(g.weights(), kActivation, memory::format_tag::any);
    const memory::desc bias =
        bias_.empty() ? memory::desc() : memory::desc({g.out_channels}, memory::data_type::f32, memory::format_tag::x);
    dnnl::post_ops post;
    if (kind == ResidualKind::in_place) post.append_sum();
    if (kind == ResidualKind::separate) post.append_binary(dnnl::algorithm::binary_add, y);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(post);
    const ThreadLimit limit(runtime.threads.count());
    return {{dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, x, weights ? *weights : any, bias,
             y, g.stride, g.pad_before, g.pad_after},
            attributes,
            runtime.engine};
  }

  const Prepared& prepare(Runtime& runtime, const Picture& picture, ResidualKind kind) {
    const auto key = std::pair(picture, kind);
    if (const auto it = prepared_.find(key); it != prepared_.end()) return it->second;
    if (!settled_) adopt_best_layout(runtime, picture, kind);
    auto layout = weights_.memory.get_desc();
    auto description = describe(runtime, picture, kind, &layout);
    if (std::string_view(description.impl_info_str()).starts_with("ref")) {  // only plain loops take this layout here
      adopt_best_layout(runtime, picture, kind);
      layout = weights_.memory.get_desc();
      description = describe(runtime, picture, kind, &layout);
    }
    const ThreadLimit limit(runtime.threads.count());
    return prepared_.emplace(key, Prepared{description, convolution_forward(description)}).first->second;
  }

  void adopt_best_layout(Runtime& runtime, const Picture& picture, ResidualKind kind) {
    const auto best = describe(runtime, picture, kind, nullptr).weights_desc();
    if (best != weights_.memory.get_desc()) {
      weights_ = repack(runtime, weights_, best);
      prepared_.clear();
    }
    settled_ = true;
  }

  const Geometry geometry_;
  const std::vector<float> bias_;  // [out_channels] or empty
  PackedMatrix weights_;           // [out, in, kernel...] in oneDNN's layout
  bool settled_ = false;
  std::map<std::pair<Picture, ResidualKind>, Prepared> prepared_;
};

// y[2i, 2j], y[2i, 2j+1], y[2i+1, 2j], y[2i+1, 2j+1] = x[i, j], for `count` pictures.
void upsample(const Runtime& runtime, const std::byte* x, const Picture& from, size_t pixel_bytes, std::byte* y) {
  runtime.threads.for_ranges(from.count * from.height, [&](int64_t begin, int64_t end) {
    const size_t row_bytes = 2 * static_cast<size_t>(from.width) * pixel_bytes;
    for (int64_t row = begin; row < end; ++row) {
      const std::byte* source = x + static_cast<size_t>(row * from.width) * pixel_bytes;
      std::byte* first = y + static_cast<size_t>(2 * row) * row_bytes;
      for (int64_t column = 0; column < from.width; ++column) {
        const std::byte* pixel = source + static_cast<size_t>(column) * pixel_bytes;
        std::byte* target = first + static_cast<size_t>(2 * column) * pixel_bytes;
        std::copy_n(pixel, pixel_bytes, target);
        std::copy_n(pixel, pixel_bytes, target + pixel_bytes);
      }
      std::copy_n(first, row_bytes, first + row_bytes);
    }
  });
}

// Enlarged pictures of at most about this size are held at a time.
constexpr int64_t kUpsampleBytes = int64_t{64} << 20;

int64_t enlarged_at_a_time(int64_t frame_bytes, int64_t frames) {
  return std::clamp<int64_t>(kUpsampleBytes / (4 * frame_bytes), 1, frames);
}

class DnnlConvolution final : public PackedConvolution {
 public:
  DnnlConvolution(Convolution convolution, bool upsample) : convolution_(std::move(convolution)), upsample_(upsample) {}

  Tensor run(Runtime& runtime, const Tensor& x, const Shape& shape, ConvOptions options) override {
    const Picture picture{x.shape()[0], x.shape()[1], x.shape()[2]};
    const ResidualKind kind = residual_kind(options.residual);
    const std::byte* residual = kind == ResidualKind::separate ? options.residual.get().raw() : nullptr;
    Tensor y = result_tensor(runtime, shape, options.residual);  // [T, H', W', out]
    if (!upsample_) {
      convolution_.run(runtime, picture, x.raw(), kind, residual, y.raw());
      return y;
    }
    const size_t pixel_bytes = static_cast<size_t>(x.shape().back()) * size_of(x.type());
    const int64_t frame_bytes = picture.height * picture.width * static_cast<int64_t>(pixel_bytes);
    const int64_t batch = enlarged_at_a_time(frame_bytes, picture.count);
    const Buffer enlarged = runtime.pool.allocate(static_cast<size_t>(batch * 4 * frame_bytes));
    const size_t result_bytes = y.bytes() / static_cast<size_t>(picture.count);
    for (int64_t frame = 0; frame < picture.count; frame += batch) {
      const int64_t count = std::min(batch, picture.count - frame);
      const size_t offset = static_cast<size_t>(frame) * result_bytes;
      upsample(runtime, x.raw() + frame * frame_bytes, {count, picture.height, picture.width}, pixel_bytes,
               enlarged.data());
      convolution_.run(runtime, {count, 2 * picture.height, 2 * picture.width}, enlarged.data(), kind,
                       residual ? residual + offset : nullptr, y.raw() + offset);
    }
    return y;
  }

 private:
  Convolution convolution_;
  const bool upsample_;  // the picture is doubled first
};

}  // namespace

std::unique_ptr<PackedConvolution> make_dnnl_conv2d(Runtime& runtime, const Conv2dSpec& s, const RawWeight& kernel,
                                                    const RawWeight* bias) {
  const Geometry geometry{s.in_channels,
                          s.out_channels,
                          {s.kernel, s.kernel},
                          {s.stride, s.stride},
                          {s.pad_before, s.pad_before},
                          {s.pad_after, s.pad_after}};
  constexpr Picture typical{2, 64, 128};
  return std::make_unique<DnnlConvolution>(Convolution(runtime, geometry, typical, kernel, bias, 1.0f), s.upsample);
}

std::unique_ptr<PackedConvolution> make_dnnl_temporal_conv(Runtime& runtime, const RawWeight& kernel,
                                                           const RawWeight& bias, float scale) {
  const Geometry geometry{kernel.shape[1], kernel.shape[0], {3, 1, 1}, {1, 1, 1}, {1, 0, 0}, {1, 0, 0}};
  constexpr Picture typical{14, 32, 64};
  return std::make_unique<DnnlConvolution>(Convolution(runtime, geometry, typical, kernel, &bias, scale), false);
}

size_t dnnl_conv2d_workspace(const Shape& x, const Conv2dSpec& s) {
  if (!s.upsample) return 0;
  const int64_t frame_bytes = x.numel() / x[0] * static_cast<int64_t>(sizeof(float));
  return static_cast<size_t>(4 * frame_bytes * enlarged_at_a_time(frame_bytes, x[0]));
}

}  // namespace svd::cpu
