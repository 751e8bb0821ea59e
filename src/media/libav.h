// FFmpeg's libraries: owning pointers, silence, errors as text. Only for this folder's .cpp files and its tests.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

namespace svd {

struct LibavDeleter {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(SwsContext* context) const { sws_freeContext(context); }
  void operator()(AVFormatContext* output) const {
    avio_closep(&output->pb);
    avformat_free_context(output);
  }
};
using CodecContextPtr = std::unique_ptr<AVCodecContext, LibavDeleter>;
using FramePtr = std::unique_ptr<AVFrame, LibavDeleter>;
using PacketPtr = std::unique_ptr<AVPacket, LibavDeleter>;
using ScalerPtr = std::unique_ptr<SwsContext, LibavDeleter>;
using OutputPtr = std::unique_ptr<AVFormatContext, LibavDeleter>;

// libav's log goes nowhere from now on, its errors excepted: libav_error() shows the latest one of this thread.
// Thread-safe. The log is the process's: a program that wants it sets its own callback afterwards.
void quieten_libav();

// What went wrong, as one line: libav's name for the error and, when it said more, that; forgets the latter.
std::string libav_error(int error);

// Throws Error(unsupported) when this libavcodec was built without it.
const AVCodec& find_encoder(const char* name);

}  // namespace svd
