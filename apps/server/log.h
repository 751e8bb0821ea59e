// What the server writes about itself: one line per event, for people or as JSON.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace svd::server {

// Thread-safe. `fields` is an object: what the event is about.
class Log {
 public:
  enum class Format { text, json };

  // To the error output. `level`: debug, info, warning or error.
  Log(Format format, std::string_view level);
  ~Log();

  void debug(std::string_view message, const nlohmann::json& fields = {}) const;
  void info(std::string_view message, const nlohmann::json& fields = {}) const;
  void warning(std::string_view message, const nlohmann::json& fields = {}) const;
  void error(std::string_view message, const nlohmann::json& fields = {}) const;

 private:
  void write(int level, std::string_view message, const nlohmann::json& fields) const;
  Format format_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace svd::server
