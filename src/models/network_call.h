// One call of each network at given sizes: what plans count, benchmarks time and tests compare.
#pragma once

#include <functional>
#include <string_view>

#include "models/parts.h"

namespace svd {

struct CallSizes {
  int width = 1024, height = 576;  // pixels
  int frames = 14;
  int decode_frames = 14;  // decoded at once
};

// Makes a float32 input of that name and shape in the backend's memory.
using MakeInput = std::function<Tensor(Backend& b, std::string_view name, const Shape& shape)>;

// The network's result, as its forward() describes it.
Tensor call_network(Backend& b, const ClipVision& clip, const StableVideoConfig& c, const CallSizes& s,
                    const MakeInput& input);
Tensor call_network(Backend& b, const AutoencoderEncoder& encoder, const StableVideoConfig& c, const CallSizes& s,
                    const MakeInput& input);
Tensor call_network(Backend& b, const VideoUNet& unet, const StableVideoConfig& c, const CallSizes& s,
                    const MakeInput& input);
Tensor call_network(Backend& b, const AutoencoderDecoder& decoder, const StableVideoConfig& c, const CallSizes& s,
                    const MakeInput& input);

}  // namespace svd
