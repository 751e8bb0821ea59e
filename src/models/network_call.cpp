#include "models/network_call.h"

namespace svd {

Tensor call_network(Backend& b, const ClipVision& clip, const StableVideoConfig& c, const CallSizes&,
                    const MakeInput& input) {
  return clip.forward(b, input(b, "picture", {1, 3, c.clip.image_size, c.clip.image_size}));  // [1, E]
}

Tensor call_network(Backend& b, const AutoencoderEncoder& encoder, const StableVideoConfig&, const CallSizes& s,
                    const MakeInput& input) {
  return encoder.forward(b, input(b, "picture", {1, 3, s.height, s.width}));  // [1, 2 z, h, w]
}

Tensor call_network(Backend& b, const VideoUNet& unet, const StableVideoConfig& c, const CallSizes& s,
                    const MakeInput& input) {
  const UNetConditioning conditioning{.context = input(b, "context", {1, c.unet.context_channels}),
                                      .vector = input(b, "vector", {1, c.unet.vector_channels})};
  const Tensor x = input(b, "latents", {s.frames, c.unet.in_channels, s.height / 8, s.width / 8});  // [T, 8, h, w]
  return unet.forward(b, x, 1.0f, conditioning);                                                    // [T, 4, h, w]
}

Tensor call_network(Backend& b, const AutoencoderDecoder& decoder, const StableVideoConfig& c, const CallSizes& s,
                    const MakeInput& input) {
  const Shape latents{s.decode_frames, c.decoder.latent_channels, s.height / 8, s.width / 8};  // [T, z, h, w]
  return decoder.forward(b, input(b, "latents", latents));                                     // [T, 3, H, W]
}

}  // namespace svd
