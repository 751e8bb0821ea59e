// `svd serve` in a folder of its own.
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
  // To run in `folder`, which is made anew, with that checkpoint for that version; `options` go to the program.
  PageServer(std::filesystem::path folder, const std::filesystem::path& checkpoint, const std::string& version,
             std::vector<std::string> options = {});

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
