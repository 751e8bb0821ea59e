// `svd serve` on a tiny checkpoint, in a folder of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "child_process.h"

namespace svd::test {

// Not thread-safe.
class PageServer {
 public:
  // Started in `folder`, which is made; `options` go to the program.
  explicit PageServer(std::filesystem::path folder, std::vector<std::string> options = {});

  // Throws std::runtime_error, with the program's output, if the server does not answer soon.
  void start();
  std::optional<int> stop();  // by SIGTERM; its exit code, nothing if it does not end

  std::string url() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::vector<std::string> options_;
  int port_;
  std::optional<ChildProcess> process_;
};

}  // namespace svd::test
