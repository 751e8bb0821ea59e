#include <sys/resource.h>

#include <array>
#include <csignal>
#include <fstream>

#include "media/libav.h"
#include "media_test_support.h"
#include "support/video_reader.h"
#include "svd/video.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<Image> moving_picture(int height, int width, int frames) {
  std::vector<Image> video;
  for (int i = 0; i < frames; ++i) video.push_back(picture(height, width, i));
  return video;
}

TEST(VideoWriter, WritesWhatBrowsersPlay) {
  const TemporaryFolder folder;
  const auto frames = moving_picture(192, 320, 14);
  write_mp4(folder / "a.mp4", frames);
  const Video video = read_video(folder / "a.mp4");
  EXPECT_EQ(video.codec, "h264");
  EXPECT_EQ(video.pixel_format, "yuv420p");
  EXPECT_EQ(video.colours, "tv/bt709/bt709/bt709");
  EXPECT_EQ(video.width, 320);
  EXPECT_EQ(video.height, 192);
  EXPECT_TRUE(video.index_is_first);
  EXPECT_DOUBLE_EQ(video.fps, 7);
  EXPECT_EQ(video.start, 0);
  EXPECT_NEAR(video.duration, 2, 0.01);
  ASSERT_EQ(video.frames.size(), 14u);
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_GT(psnr(video.frames[i], frames[i]), 35) << "frame " << i;
    EXPECT_NEAR(video.times[i], static_cast<double>(i) / 7, 1e-3);
  }
}

// Colours survive the way there and back: a wrong matrix or range would move them by tens.
TEST(VideoWriter, KeepsColours) {
  const TemporaryFolder folder;
  const std::vector<std::array<uint8_t, 3>> colours = {{255, 0, 0}, {0, 255, 0},     {0, 0, 255},  {255, 255, 255},
                                                       {0, 0, 0},   {128, 128, 128}, {200, 90, 30}};
  VideoWriter writer(folder / "a.mp4", 64, 64, {.fps = 10});
  for (const auto& colour : colours) {
    Image flat{64, 64, {}};
    for (int i = 0; i < 64 * 64; ++i) flat.rgb.insert(flat.rgb.end(), colour.begin(), colour.end());
    writer.add(flat);
  }
  writer.finish();
  const Video video = read_video(folder / "a.mp4");
  ASSERT_EQ(video.frames.size(), colours.size());
  for (size_t i = 0; i < colours.size(); ++i) {
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(video.frames[i].rgb[(32 * 64 + 32) * 3 + c], colours[i][c], 4) << "colour " << i;
    }
  }
}

class Size : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(Size, IsKeptOrMadeEven) {
  const auto [width, height] = GetParam();
  const TemporaryFolder folder;
  const auto frames = moving_picture(height, width, 3);
  write_mp4(folder / "a.mp4", frames, {.fps = 24, .threads = 1});
  const Video video = read_video(folder / "a.mp4");
  EXPECT_EQ(video.width, width + width % 2);
  EXPECT_EQ(video.height, height + height % 2);
  ASSERT_EQ(video.frames.size(), 3u);
  if (width < 64 || height < 64) return;  // too much detail per pixel to compare
  for (size_t i = 0; i < frames.size(); ++i) {
    Image cropped{width, height, {}};
    for (int y = 0; y < height; ++y) {
      const auto row = video.frames[i].rgb.begin() + ptrdiff_t{3} * y * video.width;
      cropped.rgb.insert(cropped.rgb.end(), row, row + ptrdiff_t{3} * width);
    }
    EXPECT_GT(psnr(cropped, frames[i]), 28);
  }
}

INSTANTIATE_TEST_SUITE_P(VideoWriter, Size,
                         testing::Values(std::pair(64, 64), std::pair(2, 2), std::pair(3, 2), std::pair(65, 64),
                                         std::pair(127, 93), std::pair(100, 71), std::pair(2, 300),
                                         std::pair(1024, 576)));

class Rate : public testing::TestWithParam<int> {};

TEST_P(Rate, IsKept) {
  const TemporaryFolder folder;
  write_mp4(folder / "a.mp4", moving_picture(64, 64, 5), {.fps = GetParam()});
  const Video video = read_video(folder / "a.mp4");
  EXPECT_EQ(video.frames.size(), 5u);
  EXPECT_DOUBLE_EQ(video.fps, GetParam());
  EXPECT_NEAR(video.duration, 5.0 / GetParam(), 0.002);
  EXPECT_EQ(video.times.front(), 0);
}

INSTANTIATE_TEST_SUITE_P(VideoWriter, Rate, testing::Values(1, 6, 7, 24, 30, 120));

TEST(VideoWriter, OneFrameIsAVideo) {
  const TemporaryFolder folder;
  write_mp4(folder / "a.mp4", moving_picture(64, 128, 1), {.fps = 4});
  const Video video = read_video(folder / "a.mp4");
  EXPECT_EQ(video.frames.size(), 1u);
  EXPECT_NEAR(video.duration, 0.25, 0.002);
}

TEST(VideoWriter, NameMayHaveAColonAndTheFolderIsMade) {
  const TemporaryFolder folder;
  write_mp4(folder / "new/http:a b%d.mp4", moving_picture(64, 64, 2));
  EXPECT_EQ(read_video(folder / "new/http:a b%d.mp4").frames.size(), 2u);
}

TEST(VideoWriter, UnfinishedLeavesNothing) {
  const TemporaryFolder folder;
  {
    VideoWriter writer(folder / "a.mp4", 64, 64);
    for (const Image& frame : moving_picture(64, 64, 60)) writer.add(frame);
    EXPECT_FALSE(std::filesystem::exists(folder / "a.mp4"));
  }
  EXPECT_TRUE(folder.is_empty());
}

TEST(VideoWriter, OlderFileStaysUntilTheNewOneIsComplete) {
  const TemporaryFolder folder;
  std::ofstream(folder / "a.mp4") << "old";
  VideoWriter writer(folder / "a.mp4", 64, 64);
  writer.add(picture(64, 64, 0));
  EXPECT_EQ(std::filesystem::file_size(folder / "a.mp4"), 3u);
  writer.finish();
  EXPECT_EQ(read_video(folder / "a.mp4").frames.size(), 1u);
}

TEST(VideoWriter, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto path = folder / "a.mp4";
  const Image frame = picture(64, 64, 0);
  EXPECT_SVD_ERROR(write_mp4(path, {}), ErrorCode::invalid_argument, AllOf(HasSubstr("a.mp4"), HasSubstr("a frame")));
  EXPECT_SVD_ERROR(VideoWriter(path, 64, 64, {.fps = 0}), ErrorCode::invalid_argument,
                   AllOf(HasSubstr("fps"), HasSubstr("1 to 120, found 0")));
  EXPECT_SVD_ERROR(VideoWriter(path, 64, 64, {.fps = 121}), ErrorCode::invalid_argument, HasSubstr("found 121"));
  EXPECT_SVD_ERROR(VideoWriter(path, 64, 64, {.crf = 52}), ErrorCode::invalid_argument, HasSubstr("crf"));
  EXPECT_SVD_ERROR(VideoWriter(path, 1, 64), ErrorCode::invalid_argument, HasSubstr("width"));
  EXPECT_SVD_ERROR(VideoWriter(path, 64, 20000), ErrorCode::invalid_argument, HasSubstr("height"));
  EXPECT_SVD_ERROR(write_mp4(path, std::vector{frame, picture(64, 66, 0)}), ErrorCode::invalid_argument,
                   HasSubstr("frame 1 has 66x64 pixels, the video 64x64"));
  EXPECT_SVD_ERROR(VideoWriter(path, 64, 64).finish(), ErrorCode::invalid_argument, HasSubstr("a frame"));
  EXPECT_TRUE(folder.is_empty());
  EXPECT_SVD_ERROR(VideoWriter("/proc/a.mp4", 64, 64), ErrorCode::bad_file,
                   AllOf(HasSubstr("/proc/a.mp4"), HasSubstr("opening the file failed")));
  std::ofstream(folder / "file") << "";
  EXPECT_SVD_ERROR(VideoWriter(folder / "file/a.mp4", 64, 64), ErrorCode::bad_file,
                   HasSubstr("folder cannot be created"));
}

// A limit on the size of this process's files stands for the full disk.
TEST(VideoWriter, FullDiskIsAnErrorAndLeavesNothing) {
  const TemporaryFolder folder;
  const auto frames = moving_picture(192, 320, 8);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{5000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_SVD_ERROR(write_mp4(folder / "a.mp4", frames), ErrorCode::bad_file,
                   AllOf(HasSubstr("a.mp4"), HasSubstr("File too large")));
  EXPECT_SVD_ERROR(write_png(folder / "a.png", frames[0]), ErrorCode::bad_file,
                   AllOf(HasSubstr("a.png"), HasSubstr("cannot be written")));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(folder.is_empty());
}

TEST(VideoWriter, MissingEncoderIsAClearError) {
  EXPECT_SVD_ERROR(find_encoder("libx264_not_built_in"), ErrorCode::unsupported,
                   AllOf(HasSubstr("libx264_not_built_in"), HasSubstr("libavcodec"), HasSubstr("install")));
}

TEST(VideoWriter, IsQuiet) {
  const TemporaryFolder folder;
  testing::internal::CaptureStderr();
  write_mp4(folder / "a.mp4", moving_picture(64, 64, 3));
  EXPECT_THROW(VideoWriter("/proc/a.mp4", 64, 64), Error);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace svd::test
