// From decoded frames to those of the video, chunk by chunk: 8 bits, watermark, delivery.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/settings.h"
#include "svd/model.h"

namespace svd {

// Who gets the frames.
struct FrameDelivery {
  std::function<void(const FrameChunk&)> on_frames = {};  // may be empty
  bool keep = true;                                       // collect them for finish()
};

// The frames per second to show a video with: within what a video file takes.
int video_fps(int fps_id);

// For one run. The arguments are borrowed; `record` may be empty.
class FrameOutput {
 public:
  FrameOutput(const Settings& settings, const FrameDelivery& delivery,
              const std::function<void(const TensorRecord&)>& record)
      : settings_(settings), delivery_(delivery), record_(record) {}

  // The next frames, decoded: [count, 3, H, W] in [-1, 1]. They are delivered before it returns.
  void add(std::span<const float> decoded);

  // After the last frame: records them all, and returns those that were to be kept.
  std::vector<Image> finish();

 private:
  const Settings& settings_;
  const FrameDelivery& delivery_;
  const std::function<void(const TensorRecord&)>& record_;
  int delivered_ = 0;
  std::vector<Image> kept_;
  std::vector<float> decoded_;      // [T, 3, H, W], only for the record
  std::vector<uint8_t> frames_u8_;  // [T, H, W, 3], before the watermark, only for the record
};

}  // namespace svd
