// What several of this folder's tests need.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "support/test_image.h"
#include "svd/error.h"
#include "svd/image.h"

namespace svd::test {

inline Image picture(int height, int width, int k) { return {width, height, test_image(height, width, k)}; }

inline std::filesystem::path sample(const std::string& name) {
  return std::filesystem::path(SVD_MEDIA_DATA_DIR) / name;
}

// Largest difference of any sample; 256 when the sizes differ.
inline int max_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
}

// Peak signal-to-noise ratio in dB over all three channels; the pictures must be of one size.
inline double psnr(const Image& a, const Image& b) {
  if (a.rgb.size() != b.rgb.size()) return 0;
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) sum += std::pow(a.rgb[i] - b.rgb[i], 2);
  if (sum == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.rgb.size()) / sum);
}

// A folder of its own for one test, gone after it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "svd_media_test_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  bool is_empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path path_;
};

// EXPECT_SVD_ERROR(call, ErrorCode::bad_file, HasSubstr("..."))
#define EXPECT_SVD_ERROR(statement, expected_code, message_matcher)                 \
  try {                                                                             \
    statement;                                                                      \
    ADD_FAILURE() << "no error was thrown";                                         \
  } catch (const Error& error) {                                                    \
    EXPECT_EQ(error.code(), expected_code) << error.what();                         \
    EXPECT_THAT(std::string(error.what()), message_matcher);                        \
    EXPECT_THAT(std::string(error.what()), testing::Not(testing::HasSubstr("\n"))); \
  }

}  // namespace svd::test
