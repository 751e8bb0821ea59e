#include "media/libav.h"

extern "C" {
#include <libavutil/log.h>
}

#include <mutex>

#include "base/fail.h"

namespace svd {
namespace {

thread_local std::string last_log_error;

void keep_errors(void* object, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_ERROR) return;
  char line[512];
  int print_prefix = 1;
  av_log_format_line2(object, level, format, arguments, line, sizeof line, &print_prefix);
  last_log_error = line;
  while (!last_log_error.empty() && last_log_error.back() == '\n') last_log_error.pop_back();
}

}  // namespace

void quieten_libav() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(keep_errors); });
  last_log_error.clear();
}

std::string libav_error(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  std::string message = last_log_error.empty() ? text : fmt::format("{} ({})", text, last_log_error);
  last_log_error.clear();
  return message;
}

const AVCodec& find_encoder(const char* name) {
  const AVCodec* const encoder = avcodec_find_encoder_by_name(name);
  if (encoder == nullptr) {
    fail(ErrorCode::unsupported,
         "the encoder {} is not in this machine's libavcodec ({}), so no video can be written; install an FFmpeg "
         "that has it",
         name, avcodec_version() >> 16);
  }
  return *encoder;
}

}  // namespace svd
