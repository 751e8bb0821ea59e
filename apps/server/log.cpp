#include "log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "job.h"

namespace svd::server {

Log::Log(Format format, std::string_view level)
    : format_(format),
      logger_(std::make_unique<spdlog::logger>("svd", std::make_shared<spdlog::sinks::stderr_color_sink_mt>())) {
  logger_->set_level(spdlog::level::from_str(std::string(level)));
  logger_->set_pattern(format == Format::json ? "%v" : "%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  logger_->flush_on(spdlog::level::debug);
}

Log::~Log() = default;

void Log::write(int level, std::string_view message, const nlohmann::json& fields) const {
  const auto severity = static_cast<spdlog::level::level_enum>(level);
  if (!logger_->should_log(severity)) return;
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  if (format_ == Format::json) {
    const auto name = spdlog::level::to_string_view(severity);
    nlohmann::json line = {
        {"time", now_iso8601()}, {"level", std::string(name.data(), name.size())}, {"message", message}};
    line.update(fields.is_object() ? fields : nlohmann::json::object());
    logger_->log(severity, "{}", line.dump(-1, ' ', false, kReplace));
    return;
  }
  std::string line(message);
  for (const auto& [name, value] : fields.items()) line += " " + name + "=" + value.dump(-1, ' ', true, kReplace);
  logger_->log(severity, "{}", line);
}

void Log::debug(std::string_view message, const nlohmann::json& fields) const {
  write(spdlog::level::debug, message, fields);
}
void Log::info(std::string_view message, const nlohmann::json& fields) const {
  write(spdlog::level::info, message, fields);
}
void Log::warning(std::string_view message, const nlohmann::json& fields) const {
  write(spdlog::level::warn, message, fields);
}
void Log::error(std::string_view message, const nlohmann::json& fields) const {
  write(spdlog::level::err, message, fields);
}

}  // namespace svd::server
