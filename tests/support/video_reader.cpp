#include "support/video_reader.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace svd::test {
namespace {

struct Deleter {
  void operator()(AVFormatContext* c) const { avformat_close_input(&c); }
  void operator()(AVCodecContext* c) const { avcodec_free_context(&c); }
  void operator()(AVFrame* f) const { av_frame_free(&f); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(SwsContext* s) const { sws_freeContext(s); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

int checked(int result, const char* doing) {
  if (result < 0) throw std::runtime_error(std::string("read_video: ") + doing + " failed");
  return result;
}

// The file's boxes: 4 bytes of size, big endian, then 4 of name.
bool moov_precedes_mdat(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  char header[8];
  while (file.read(header, sizeof header)) {
    const std::string name(header + 4, 4);
    if (name == "moov") return true;
    if (name == "mdat") return false;
    uint32_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<uint8_t>(header[i]);
    if (size < 8) break;
    file.seekg(size - 8, std::ios::cur);
  }
  throw std::runtime_error("read_video: neither a moov nor an mdat box");
}

Image to_rgb(const AVFrame& frame) {
  constexpr int kFlags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT;
  const Owned<SwsContext> scaler(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
                                                frame.width, frame.height, AV_PIX_FMT_RGB24, kFlags, nullptr, nullptr,
                                                nullptr));
  const int* const matrix = sws_getCoefficients(frame.colorspace);
  sws_setColorspaceDetails(scaler.get(), matrix, frame.color_range == AVCOL_RANGE_JPEG, matrix, 1, 0, 1 << 16, 1 << 16);
  // Into a frame with spare room after each row, which swscale may write.
  const Owned<AVFrame> rgb(av_frame_alloc());
  rgb->format = AV_PIX_FMT_RGB24;
  rgb->width = frame.width;
  rgb->height = frame.height;
  checked(av_frame_get_buffer(rgb.get(), 0), "getting memory");
  checked(sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, rgb->data, rgb->linesize), "converting");
  Image image{frame.width, frame.height, {}};
  for (int y = 0; y < frame.height; ++y) {
    const uint8_t* const row = rgb->data[0] + ptrdiff_t{y} * rgb->linesize[0];
    image.rgb.insert(image.rgb.end(), row, row + ptrdiff_t{3} * frame.width);
  }
  return image;
}

const char* or_unknown(const char* name) { return name ? name : "unknown"; }

}  // namespace

Video read_video(const std::filesystem::path& path) {
  std::string url = "file:";
  url += path.string();
  AVFormatContext* opened = nullptr;
  checked(avformat_open_input(&opened, url.c_str(), nullptr, nullptr), "opening the file");
  const Owned<AVFormatContext> input(opened);
  checked(avformat_find_stream_info(input.get(), nullptr), "reading the header");
  if (input->nb_streams != 1) throw std::runtime_error("read_video: expected one stream");
  const AVStream& stream = *input->streams[0];
  const AVCodecParameters& parameters = *stream.codecpar;
  const AVCodec* const codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) throw std::runtime_error("read_video: no decoder");
  const Owned<AVCodecContext> decoder(avcodec_alloc_context3(codec));
  checked(avcodec_parameters_to_context(decoder.get(), &parameters), "describing the video");
  decoder->thread_count = 1;
  checked(avcodec_open2(decoder.get(), codec, nullptr), "opening the decoder");

  Video video;
  video.codec = avcodec_get_name(parameters.codec_id);
  video.pixel_format = or_unknown(av_get_pix_fmt_name(static_cast<AVPixelFormat>(parameters.format)));
  for (const char* name :
       {av_color_range_name(parameters.color_range), av_color_space_name(parameters.color_space),
        av_color_primaries_name(parameters.color_primaries), av_color_transfer_name(parameters.color_trc)}) {
    video.colours += video.colours.empty() ? "" : "/";
    video.colours += or_unknown(name);
  }
  video.width = parameters.width;
  video.height = parameters.height;
  video.fps = av_q2d(stream.avg_frame_rate);
  video.start =
      stream.start_time == AV_NOPTS_VALUE ? 0 : static_cast<double>(stream.start_time) * av_q2d(stream.time_base);
  video.duration = static_cast<double>(input->duration) / AV_TIME_BASE;
  video.index_is_first = moov_precedes_mdat(path);

  const Owned<AVPacket> packet(av_packet_alloc());
  const Owned<AVFrame> frame(av_frame_alloc());
  const auto receive = [&] {
    int result;
    while ((result = avcodec_receive_frame(decoder.get(), frame.get())) >= 0) {
      video.frames.push_back(to_rgb(*frame));
      video.times.push_back(static_cast<double>(frame->pts) * av_q2d(stream.time_base));
    }
    if (result != AVERROR(EAGAIN) && result != AVERROR_EOF) checked(result, "decoding");
  };
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    checked(avcodec_send_packet(decoder.get(), packet.get()), "decoding");
    av_packet_unref(packet.get());
    receive();
  }
  checked(avcodec_send_packet(decoder.get(), nullptr), "decoding");
  receive();
  return video;
}

}  // namespace svd::test
