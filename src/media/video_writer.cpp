extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <limits>

#include "base/atomic_file.h"
#include "base/fail.h"
#include "base/translate.h"
#include "media/check_image.h"
#include "media/check_path.h"
#include "media/libav.h"
#include "svd/video.h"

namespace svd {
namespace {

constexpr const char* kEncoder = "libx264";
constexpr int kMostThreads = 16;  // more gain nothing on pictures of this size, and x264 refuses very many

void check_options(const std::filesystem::path& path, int width, int height, const VideoOptions& options) {
  check_path(path, "video");
  const auto check = [&](const char* what, int value, int low, int high) {
    if (value >= low && value <= high) return;
    fail(ErrorCode::invalid_argument, "{}: {} of a video must be {} to {}, found {}", path.string(), what, low, high,
         value);
  };
  check("width", width, 2, kMaxImageSide);
  check("height", height, 2, kMaxImageSide);
  check("fps", options.fps, 1, 120);
  check("crf", options.crf, 0, 51);
  check("threads", options.threads, 0, std::numeric_limits<int>::max());
}

int even(int side) { return side + side % 2; }

// Into a frame of libav's own, which has the spare bytes after each row that swscale may read. The last column and row
// are repeated where that makes a side even.
void copy_padded(const Image& image, AVFrame& to) {
  const size_t row_size = size_t{3} * image.width;
  for (int y = 0; y < to.height; ++y) {
    const uint8_t* const row = image.rgb.data() + row_size * std::min(y, image.height - 1);
    uint8_t* const end = std::copy_n(row, row_size, to.data[0] + ptrdiff_t{y} * to.linesize[0]);
    if (to.width > image.width) std::copy_n(row + row_size - 3, 3, end);
  }
}

}  // namespace

class VideoWriter::State {
 public:
  State(const std::filesystem::path& path, int width, int height, const VideoOptions& options);
  void add(const Image& image);
  void finish();

 private:
  // Names the file in what libav reports; passes on anything that is no error.
  int checked(int result, const char* doing) const;
  template <typename T>
  T allocated(T pointer) const;
  void open_encoder(int width, int height, const VideoOptions& options);
  void open_file();
  void open_scaler();
  FramePtr new_frame(AVPixelFormat format) const;  // of the encoder's size
  void encode(const AVFrame* frame);               // null: no more frames

  AtomicFile file_;
  int width_, height_;  // of the frames given
  int64_t frames_ = 0;
  CodecContextPtr encoder_;
  OutputPtr output_;  // destroyed, and with it closed, before file_ removes what is there
  AVStream* stream_ = nullptr;
  ScalerPtr scaler_;
  FramePtr rgb_;
  FramePtr frame_;
  PacketPtr packet_;
};

int VideoWriter::State::checked(int result, const char* doing) const {
  if (result >= 0) return result;
  const auto code = result == AVERROR(ENOMEM) ? ErrorCode::out_of_memory : ErrorCode::bad_file;
  fail(code, "{}: {} failed: {}", file_.final_path().string(), doing, libav_error(result));
}

template <typename T>
T VideoWriter::State::allocated(T pointer) const {
  if (!pointer) fail(ErrorCode::out_of_memory, "{}: no memory for the video encoder", file_.final_path().string());
  return pointer;
}

VideoWriter::State::State(const std::filesystem::path& path, int width, int height, const VideoOptions& options)
    : file_((check_options(path, width, height, options), path)), width_(width), height_(height) {
  quieten_libav();
  open_encoder(even(width), even(height), options);
  open_file();
  open_scaler();
  packet_.reset(allocated(av_packet_alloc()));
  rgb_ = new_frame(AV_PIX_FMT_RGB24);
  frame_ = new_frame(encoder_->pix_fmt);
}

FramePtr VideoWriter::State::new_frame(AVPixelFormat format) const {
  FramePtr frame(allocated(av_frame_alloc()));
  frame->format = format;
  frame->width = encoder_->width;
  frame->height = encoder_->height;
  checked(av_frame_get_buffer(frame.get(), 0), "getting memory for a frame");
  return frame;
}

void VideoWriter::State::open_encoder(int width, int height, const VideoOptions& options) {
  const AVCodec& codec = find_encoder(kEncoder);
  encoder_.reset(allocated(avcodec_alloc_context3(&codec)));
  encoder_->width = width;
  encoder_->height = height;
  encoder_->time_base = {1, options.fps};
  encoder_->framerate = {options.fps, 1};
  encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder_->sample_aspect_ratio = {1, 1};
  encoder_->color_range = AVCOL_RANGE_MPEG;
  encoder_->colorspace = AVCOL_SPC_BT709;
  encoder_->color_primaries = AVCOL_PRI_BT709;  // those of sRGB
  encoder_->color_trc = AVCOL_TRC_BT709;
  encoder_->chroma_sample_location = AVCHROMA_LOC_LEFT;
  encoder_->gop_size = 2 * options.fps;  // a player can jump to every second second
  encoder_->max_b_frames = 0;            // shown in coded order: no first offset for players to get wrong
  encoder_->thread_count = std::min(options.threads, kMostThreads);
  encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;  // mp4 keeps the parameter sets in its header
  checked(av_opt_set_int(encoder_->priv_data, "crf", options.crf, 0), "setting crf");
  checked(avcodec_open2(encoder_.get(), &codec, nullptr), "opening the encoder");
}

void VideoWriter::State::open_file() {
  // "file:" keeps libav from taking a colon in the name for a network protocol.
  const std::string url = "file:" + file_.temporary().string();
  AVFormatContext* output = nullptr;
  checked(avformat_alloc_output_context2(&output, nullptr, "mp4", url.c_str()), "starting an mp4 file");
  output_.reset(output);
  stream_ = allocated(avformat_new_stream(output, nullptr));
  stream_->time_base = encoder_->time_base;
  stream_->avg_frame_rate = encoder_->framerate;
  checked(avcodec_parameters_from_context(stream_->codecpar, encoder_.get()), "describing the video");
  checked(avio_open(&output->pb, url.c_str(), AVIO_FLAG_WRITE), "opening the file");
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "+faststart", 0);
  const int result = avformat_write_header(output, &options);
  av_dict_free(&options);
  checked(result, "writing the header");
}

// swscale's defaults would drop every second column's colour, round coarsely and mean BT.601.
void VideoWriter::State::open_scaler() {
  const int width = encoder_->width, height = encoder_->height;
  constexpr int kFlags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_FULL_CHR_H_INT;
  scaler_.reset(allocated(sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, encoder_->pix_fmt, kFlags,
                                         nullptr, nullptr, nullptr)));
  constexpr int kFull = 1, kLimited = 0, kAsIs = 1 << 16;
  const int* const bt709 = sws_getCoefficients(SWS_CS_ITU709);
  checked(sws_setColorspaceDetails(scaler_.get(), bt709, kFull, bt709, kLimited, 0, kAsIs, kAsIs),
          "setting the colours");
}

void VideoWriter::State::add(const Image& image) {
  check_image(image);
  if (image.width != width_ || image.height != height_) {
    fail(ErrorCode::invalid_argument, "{}: frame {} has {}x{} pixels, the video {}x{}", file_.final_path().string(),
         frames_, image.width, image.height, width_, height_);
  }
  checked(av_frame_make_writable(frame_.get()), "getting memory for a frame");
  copy_padded(image, *rgb_);
  checked(sws_scale(scaler_.get(), rgb_->data, rgb_->linesize, 0, rgb_->height, frame_->data, frame_->linesize),
          "converting a frame");
  frame_->pts = frames_++;
  encode(frame_.get());
}

void VideoWriter::State::encode(const AVFrame* frame) {
  checked(avcodec_send_frame(encoder_.get(), frame), "encoding");
  for (;;) {
    const int result = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    checked(result, "encoding");
    packet_->duration = 1;  // else the last frame, and with it a video of one frame, lasts no time
    packet_->stream_index = stream_->index;
    av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
    checked(av_interleaved_write_frame(output_.get(), packet_.get()), "writing");
  }
}

void VideoWriter::State::finish() {
  if (frames_ == 0) fail(ErrorCode::invalid_argument, "{}: a video needs a frame", file_.final_path().string());
  encode(nullptr);
  checked(av_write_trailer(output_.get()), "writing the index");
  checked(avio_closep(&output_->pb), "closing the file");
  file_.commit();
}

VideoWriter::VideoWriter(const std::filesystem::path& path, int width, int height, const VideoOptions& options)
    : state_(translated([&] { return std::make_unique<State>(path, width, height, options); })) {}
VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;
VideoWriter& VideoWriter::operator=(VideoWriter&&) noexcept = default;
VideoWriter::~VideoWriter() = default;

VideoWriter::State& VideoWriter::state() const {
  if (!state_) fail(ErrorCode::invalid_argument, "VideoWriter: this one is finished or was moved from");
  return *state_;
}

void VideoWriter::add(const Image& frame) {
  translated([&] { state().add(frame); });
}

void VideoWriter::finish() {
  translated([&] {
    state();
    const auto finished = std::move(state_);
    finished->finish();
  });
}

void write_mp4(const std::filesystem::path& path, std::span<const Image> frames, const VideoOptions& options) {
  translated([&] {
    if (frames.empty()) fail(ErrorCode::invalid_argument, "{}: a video needs a frame", path.string());
    VideoWriter writer(path, frames.front().width, frames.front().height, options);
    for (const Image& frame : frames) writer.add(frame);
    writer.finish();
  });
}

}  // namespace svd
