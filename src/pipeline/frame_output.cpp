#include "pipeline/frame_output.h"

#include <algorithm>
#include <iterator>

#include "base/fail.h"
#include "media/watermark.h"
#include "tensor/tensor.h"

namespace svd {
namespace {

// planes: [3, H, W] in [-1, 1]. To 8 bits by truncation, as the reference does.
Image to_frame(std::span<const float> planes, int width, int height) {
  const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
  Image frame{width, height, std::vector<uint8_t>(3 * pixels)};
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t channel = 0; channel < 3; ++channel) {
      const float v = (planes[channel * pixels + i] + 1.0f) / 2.0f;
      frame.rgb[3 * i + channel] = v > 0.0f ? static_cast<uint8_t>(std::min(v, 1.0f) * 255.0f) : 0;  // NaN: 0
    }
  }
  return frame;
}

}  // namespace

int video_fps(int fps_id) { return std::clamp(fps_id + 1, 1, 120); }

void FrameOutput::add(std::span<const float> decoded) {
  const size_t per_frame = size_t{3} * static_cast<size_t>(settings_.width) * static_cast<size_t>(settings_.height);
  ensure(decoded.size() % per_frame == 0, "{} decoded values are no whole frames of {}", decoded.size(), per_frame);
  if (record_) decoded_.insert(decoded_.end(), decoded.begin(), decoded.end());
  std::vector<Image> chunk;
  for (; !decoded.empty(); decoded = decoded.subspan(per_frame)) {
    Image& frame = chunk.emplace_back(to_frame(decoded.first(per_frame), settings_.width, settings_.height));
    if (record_) frames_u8_.insert(frames_u8_.end(), frame.rgb.begin(), frame.rgb.end());
    if (settings_.watermark) embed_watermark(frame);
  }
  if (delivery_.on_frames) {
    delivery_.on_frames({delivered_, settings_.num_frames, video_fps(settings_.fps_id), chunk});
  }
  delivered_ += static_cast<int>(chunk.size());
  if (delivery_.keep) std::ranges::move(chunk, std::back_inserter(kept_));
}

std::vector<Image> FrameOutput::finish() {
  ensure(delivered_ == settings_.num_frames, "{} of {} frames were decoded", delivered_, settings_.num_frames);
  if (record_) {
    const Settings& s = settings_;
    record_({"decoded", Shape{s.num_frames, 3, s.height, s.width}.sizes(), decoded_, {}});
    record_({"frames_u8", Shape{s.num_frames, s.height, s.width, 3}.sizes(), {}, frames_u8_});
  }
  return std::move(kept_);
}

}  // namespace svd
