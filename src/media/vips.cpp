#include "media/vips.h"

#include <algorithm>

#include "base/fail.h"

namespace svd {
namespace {

void ignore_log(const char*, GLogLevelFlags, const char*, void*) {}

}  // namespace

void start_vips() {
  static const bool started = [] {
    g_log_set_handler("VIPS", static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK | G_LOG_FLAG_FATAL | G_LOG_FLAG_RECURSION),
                      ignore_log, nullptr);
    if (VIPS_INIT("svd") != 0) return false;
    vips_concurrency_set(1);         // one picture is small work, and the cores belong to the network
    vips_block_untrusted_set(TRUE);  // loaders that vips itself would not give a stranger's file to
    vips_cache_set_max(0);           // the same picture is never decoded twice
    return true;
  }();
  if (!started) fail(ErrorCode::internal, "libvips does not start: {}", take_vips_error());
}

std::string take_vips_error() {
  char* const buffer = vips_error_buffer_copy();
  std::string message = buffer;
  g_free(buffer);
  vips_error_clear();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  std::replace(message.begin(), message.end(), '\n', ';');
  return message.empty() ? "unknown error of libvips" : message;
}

}  // namespace svd
