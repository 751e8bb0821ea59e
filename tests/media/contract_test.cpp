// Error and nothing else, whatever the media functions are given.
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <type_traits>

#include "media_test_support.h"
#include "support/failing_new.h"
#include "svd/video.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr auto kInvalid = ErrorCode::invalid_argument;
constexpr int kHuge = std::numeric_limits<int>::max();

std::vector<std::filesystem::path> bad_paths() { return {"", std::string("a\0b.png", 7)}; }

std::vector<Image> bad_images() {
  const std::vector<uint8_t> bytes(12);
  return {{}, {0, 2, {}}, {-2, 2, bytes}, {-2, -2, bytes}, {2, 2, {}}, {3, 2, bytes}, {kHuge, kHuge, bytes}};
}

TEST(MediaContract, PathsThatAreNone) {
  const Image image = picture(4, 4, 0);
  for (const auto& path : bad_paths()) {
    EXPECT_SVD_ERROR(read_image(path), kInvalid, HasSubstr("path of the picture"));
    EXPECT_SVD_ERROR(write_png(path, image), kInvalid, HasSubstr("path of the picture"));
    EXPECT_SVD_ERROR(write_jpeg(path, image), kInvalid, HasSubstr("path of the picture"));
    EXPECT_SVD_ERROR(write_mp4(path, std::vector{image}), kInvalid, HasSubstr("path of the video"));
    EXPECT_SVD_ERROR(VideoWriter(path, 4, 4), kInvalid, HasSubstr("path of the video"));
  }
  EXPECT_FALSE(std::filesystem::exists("a"));
}

TEST(MediaContract, FoldersAndFilesInTheWay) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "folder");
  std::ofstream(folder / "file") << "";
  const Image image = picture(4, 4, 0);
  for (const std::string name : {"folder", "folder/", "file/a", "missing/"}) {
    EXPECT_SVD_ERROR(read_image(folder / name), ErrorCode::bad_file, HasSubstr(name));
    EXPECT_SVD_ERROR(write_png(folder / name, image), ErrorCode::bad_file, HasSubstr("folder"));
    EXPECT_SVD_ERROR(VideoWriter(folder / name, 4, 4), ErrorCode::bad_file, HasSubstr("folder"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / "folder"));
  EXPECT_FALSE(std::filesystem::exists(folder / "missing"));
}

TEST(MediaContract, PicturesThatAreNone) {
  const TemporaryFolder folder;
  for (const Image& image : bad_images()) {
    EXPECT_SVD_ERROR(encode_png(image), kInvalid, HasSubstr("picture of"));
    EXPECT_SVD_ERROR(encode_jpeg(image), kInvalid, HasSubstr("picture of"));
    EXPECT_SVD_ERROR(write_png(folder / "a.png", image), kInvalid, HasSubstr("picture of"));
    EXPECT_SVD_ERROR(write_jpeg(folder / "a.jpg", image), kInvalid, HasSubstr("picture of"));
    EXPECT_SVD_ERROR(write_mp4(folder / "a.mp4", std::vector{image}), kInvalid, testing::Not(""));
    VideoWriter writer(folder / "a.mp4", 2, 2);
    EXPECT_SVD_ERROR(writer.add(image), kInvalid, HasSubstr("picture of"));
  }
  EXPECT_TRUE(folder.is_empty());
}

TEST(MediaContract, LimitsAndOptionsThatMakeNoSense) {
  const std::vector<std::byte> file = encode_png(picture(4, 4, 0));
  for (const ImageLimits& limits : {ImageLimits{.side = 0}, {.side = -1}, {.pixels = 0}, {.pixels = -5}}) {
    EXPECT_SVD_ERROR(decode_image(file, "a.png", limits), kInvalid, HasSubstr("limits"));
  }
  EXPECT_SVD_ERROR(decode_image(file, "a.png", {.side = 3}), kInvalid, HasSubstr("at most 3 per side"));
  EXPECT_SVD_ERROR(decode_image(file, "a.png", {.pixels = 15}), kInvalid, HasSubstr("15 in all"));
  EXPECT_EQ(decode_image(file, "a.png", {.side = kHuge, .pixels = std::numeric_limits<int64_t>::max()}).width, 4);
  EXPECT_SVD_ERROR(decode_image({}, ""), ErrorCode::bad_file, HasSubstr("empty"));

  const TemporaryFolder folder;
  for (const auto& [width, height] : {std::pair(0, 4), {4, 0}, {-4, 4}, {kHuge, 4}, {4, kHuge}}) {
    EXPECT_SVD_ERROR(VideoWriter(folder / "a.mp4", width, height), kInvalid, HasSubstr("of a video must be"));
  }
  EXPECT_SVD_ERROR(VideoWriter(folder / "a.mp4", 4, 4, {.threads = -1}), kInvalid, HasSubstr("threads"));
  EXPECT_TRUE(folder.is_empty());
}

TEST(MediaContract, AWriterThatIsFinishedOrWasMovedFrom) {
  const TemporaryFolder folder;
  const Image frame = picture(64, 64, 0);
  const auto is_over = AllOf(HasSubstr("VideoWriter"), HasSubstr("finished or was moved from"));
  VideoWriter writer(folder / "a.mp4", 64, 64);
  writer.add(frame);
  VideoWriter other(std::move(writer));
  EXPECT_SVD_ERROR(writer.add(frame), kInvalid, is_over);  // NOLINT(bugprone-use-after-move)
  EXPECT_SVD_ERROR(writer.finish(), kInvalid, is_over);
  other.finish();
  EXPECT_SVD_ERROR(other.finish(), kInvalid, is_over);
  EXPECT_SVD_ERROR(other.add(frame), kInvalid, is_over);
  writer = VideoWriter(folder / "b.mp4", 64, 64);  // a use again
  EXPECT_SVD_ERROR(writer.finish(), kInvalid, HasSubstr("needs a frame"));
  EXPECT_SVD_ERROR(writer.finish(), kInvalid, is_over);
  EXPECT_TRUE(std::filesystem::exists(folder / "a.mp4"));
  EXPECT_FALSE(std::filesystem::exists(folder / "b.mp4"));
  static_assert(std::is_nothrow_move_constructible_v<VideoWriter> && std::is_nothrow_move_assignable_v<VideoWriter>);
  static_assert(std::is_nothrow_copy_constructible_v<Error>);
}

// Whichever allocation fails, and no file stays behind.
TEST(MediaContract, OutOfMemoryIsAnError) {
  const TemporaryFolder folder;
  const Image image = picture(64, 64, 0);
  const std::vector<std::byte> file = encode_png(image);
  const std::filesystem::path in = folder / "in.png", png = folder / "out.png", mp4 = folder / "out.mp4";
  const std::vector<Image> frames = {image};
  write_png(in, image);
  expect_out_of_memory_is_an_error([&] { decode_image(file, "a"); });
  expect_out_of_memory_is_an_error([&] { read_image(in); });
  expect_out_of_memory_is_an_error([&] { encode_png(image); });
  expect_out_of_memory_is_an_error([&] { encode_jpeg(image); });
  expect_out_of_memory_is_an_error([&] { write_png(png, image); });
  expect_out_of_memory_is_an_error([&] { write_mp4(mp4, frames, {.threads = 1}); });
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "")) files += entry.is_regular_file();
  EXPECT_EQ(files, 3u);
}

}  // namespace
}  // namespace svd::test
