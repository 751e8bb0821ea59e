#include <cstring>
#include <fstream>
#include <thread>

#include "media_test_support.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<std::byte> bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* const data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(ReadImage, PlainPngIsItsPixels) { EXPECT_EQ(read_image(sample("rgb.png")), picture(32, 48, 9)); }

struct Kind {
  const char* name;
  int tolerance;  // of a sample; 1 where the expectation rounds differently
};

class EveryKind : public testing::TestWithParam<Kind> {};

TEST_P(EveryKind, BecomesPlainRgb) {
  const auto& [name, tolerance] = GetParam();
  const Image expected = read_image(sample(std::string(name) + ".expected.png"));
  EXPECT_LE(max_difference(read_image(sample(name)), expected), tolerance);
}

INSTANTIATE_TEST_SUITE_P(ReadImage, EveryKind,
                         testing::Values(Kind{"rgba.png", 0}, Kind{"grey.png", 0}, Kind{"grey_alpha.png", 0},
                                         Kind{"grey_1_bit.png", 0}, Kind{"grey_key.png", 0}, Kind{"palette.png", 0},
                                         Kind{"palette_alpha.png", 0}, Kind{"rgb_16_bit.png", 0},
                                         Kind{"rgba_16_bit.png", 1}, Kind{"grey_16_bit.png", 0}, Kind{"rgb.jpg", 0},
                                         Kind{"progressive.jpg", 0}, Kind{"grey.jpg", 0}, Kind{"cmyk_adobe.jpg", 0},
                                         Kind{"cmyk_plain.jpg", 0}, Kind{"rgb.webp", 0}, Kind{"lossy.webp", 0},
                                         Kind{"rgba.webp", 0}, Kind{"animated.webp", 0}, Kind{"rgb.tif", 0},
                                         Kind{"cmyk.tif", 0}, Kind{"grey_1_bit.tif", 0}, Kind{"palette.gif", 0},
                                         Kind{"rgb.heic", 2}, Kind{"rgb.avif", 2}, Kind{"rgba.avif", 2},
                                         Kind{"p3.png", 3}),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

class Orientation : public testing::TestWithParam<const char*> {};

TEST_P(Orientation, IsHonoured) {
  const Image upright = read_image(sample("orientation.expected.png"));
  EXPECT_LE(max_difference(read_image(sample(GetParam())), upright), 2);
}

INSTANTIATE_TEST_SUITE_P(ReadImage, Orientation,
                         testing::Values("orientation_1.jpg", "orientation_2.jpg", "orientation_3.jpg",
                                         "orientation_4.jpg", "orientation_5.jpg", "orientation_6.jpg",
                                         "orientation_7.jpg", "orientation_8.jpg", "orientation_6.png",
                                         "orientation_7.png", "orientation_6.webp", "orientation_7.webp"));

TEST(ReadImage, TheContentDecidesNotTheName) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(sample("rgb.png"), folder / "PHOTO.JPG");
  EXPECT_EQ(read_image(folder / "PHOTO.JPG"), picture(32, 48, 9));
}

TEST(ReadImage, SaysWhatIsWrongWithAFile) {
  const TemporaryFolder folder;
  EXPECT_SVD_ERROR(read_image(folder / "missing.png"), ErrorCode::bad_file,
                   AllOf(HasSubstr("missing.png"), HasSubstr("No such file")));
  EXPECT_SVD_ERROR(read_image(folder / ""), ErrorCode::bad_file, HasSubstr("is a folder"));
  write_text(folder / "empty.jpg", "");
  EXPECT_SVD_ERROR(read_image(folder / "empty.jpg"), ErrorCode::bad_file,
                   AllOf(HasSubstr("empty.jpg"), HasSubstr("is empty")));
  write_text(folder / "text.jpg", "Dear reader,\nthis is no picture.\n");
  EXPECT_SVD_ERROR(read_image(folder / "text.jpg"), ErrorCode::bad_file,
                   AllOf(HasSubstr("text.jpg: it is a text; JPEG, PNG, WebP"), HasSubstr("save it as one of these")));
  write_text(folder / "moving.png", "GIF89a\1\0\1\0\x80\0\0");
  EXPECT_SVD_ERROR(read_image(folder / "moving.png"), ErrorCode::bad_file,
                   AllOf(HasSubstr("moving.png"), HasSubstr("damaged or cut short")));
  write_text(folder / "short.webp", "RIFF");
  EXPECT_SVD_ERROR(read_image(folder / "short.webp"), ErrorCode::bad_file, HasSubstr("save it as one of these"));
}

// What read_image() warns of, and what it reads.
struct Read {
  Image image;
  std::vector<std::string> warnings;
};

Read read_with_warnings(const std::string& name, ColorPolicy color = ColorPolicy::convert) {
  Read read;
  read.image = read_image(sample(name), {.color = color, .on_warning = [&](std::string_view warning) {
                                           read.warnings.emplace_back(warning);
                                         }});
  return read;
}

TEST(ReadImage, ColourProfilesCanBeIgnored) {
  const Read converted = read_with_warnings("p3.png"), ignored = read_with_warnings("p3.png", ColorPolicy::ignore);
  EXPECT_EQ(ignored.image, picture(32, 48, 9));
  EXPECT_GT(max_difference(converted.image, ignored.image), 20);
  EXPECT_THAT(converted.warnings, testing::IsEmpty());
  EXPECT_THAT(ignored.warnings, testing::IsEmpty());
}

TEST(ReadImage, AProfileThatSaysSrgbChangesNothing) {
  const Read read = read_with_warnings("srgb_profile.png");
  EXPECT_EQ(read.image, picture(32, 48, 9));
  EXPECT_THAT(read.warnings, testing::IsEmpty());
}

TEST(ReadImage, AProfileThatIsNoneChangesNothing) {
  EXPECT_EQ(read_with_warnings("bad_profile.jpg").image,
            read_with_warnings("bad_profile.jpg", ColorPolicy::ignore).image);
}

TEST(ReadImage, SmallDamageIsReadWithAWarning) {
  const Read jpeg = read_with_warnings("no_end_marker.jpg");
  EXPECT_EQ(jpeg.image, read_image(sample("rgb.jpg")));
  EXPECT_THAT(jpeg.warnings, testing::ElementsAre(HasSubstr("no end marker")));
  const Read png = read_with_warnings("wrong_checksum.png");
  EXPECT_EQ(png.image, picture(32, 48, 9));
  EXPECT_THAT(png.warnings, testing::ElementsAre(HasSubstr("checksums")));
  auto damaged = bytes_of(sample("rgb.jpg"));
  damaged[damaged.size() / 2] = std::byte{0xFF};  // a marker that has no place there
  damaged[damaged.size() / 2 + 1] = std::byte{0xD3};
  std::vector<std::string> warnings;
  decode_image(damaged, "upload", {}, {.on_warning = [&](std::string_view w) { warnings.emplace_back(w); }});
  EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("is damaged, and parts")));
}

TEST(ReadImage, OtherKindsAreNamed) {
  EXPECT_SVD_ERROR(read_image(sample("float.tif")), ErrorCode::bad_file,
                   AllOf(HasSubstr("float"), HasSubstr("save it as PNG")));
  const std::vector<std::pair<std::string, std::string>> kinds = {
      {"BM6\1\0\0", "Windows bitmap"},
      {"8BPS\0\1", "Photoshop"},
      {std::string("\0\0\0\x18"
                   "ftypmp42\0\0\0\0",
                   16),
       "a video"},
      {std::string("\0\5\x16\7\0\2\0\0Mac OS X", 16), "macOS"},
      {std::string("II*\0\x10\0\0\0CR\2\0", 12), "camera's raw file"},
      {"\xFF\x0A\x01", "JPEG XL"},
      {"%PDF-1.7", "PDF"},
      {"<html><title>Log in</title>", "web page"},
      {"<?xml version='1.0'?><svg/>", "SVG"},
      {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"}};
  for (const auto& [bytes, words] : kinds) {
    EXPECT_SVD_ERROR(decode_image(std::as_bytes(std::span(bytes)), "upload"), ErrorCode::bad_file,
                     AllOf(HasSubstr("upload: it is "), HasSubstr(words)));
    EXPECT_FALSE(sniff_image(std::as_bytes(std::span(bytes))).readable);
  }
  EXPECT_TRUE(sniff_image(bytes_of(sample("rgb.heic"))).readable);
  EXPECT_EQ(sniff_image(bytes_of(sample("rgb.avif"))).kind, "an AVIF picture");
  EXPECT_FALSE(sniff_image({}).readable);
}

class Truncated : public testing::TestWithParam<const char*> {};

TEST_P(Truncated, IsAnErrorAtEveryLength) {
  const auto whole = bytes_of(sample(GetParam()));
  ASSERT_NO_THROW(decode_image(whole, "upload"));
  for (size_t size = 0; size + 16 < whole.size(); size += 1 + size / 20) {
    EXPECT_SVD_ERROR(decode_image(std::span(whole).first(size), "upload"), ErrorCode::bad_file, HasSubstr("upload: "));
  }
}

INSTANTIATE_TEST_SUITE_P(ReadImage, Truncated,
                         testing::Values("rgb.jpg", "progressive.jpg", "cmyk_adobe.jpg", "rgb.png", "rgba_16_bit.png",
                                         "palette_alpha.png", "rgb.webp", "lossy.webp", "rgba.webp", "rgb.tif",
                                         "palette.gif", "rgb.heic", "rgb.avif"));

TEST(ReadImage, DamagedBytesNeverDoMoreThanThrow) {
  for (const char* name :
       {"rgb.jpg", "cmyk_adobe.jpg", "orientation_6.jpg", "rgba.png", "palette_alpha.png", "rgb.webp", "animated.webp",
        "orientation_6.webp", "rgb.tif", "palette.gif", "rgb.heic", "rgb.avif", "p3.png"}) {
    const auto whole = bytes_of(sample(name));
    for (size_t i = 0; i < whole.size(); i += 1 + whole.size() / 200) {
      auto damaged = whole;
      damaged[i] ^= std::byte{0xA5};
      try {
        const Image image = decode_image(damaged, "upload");
        EXPECT_EQ(image.rgb.size(), size_t{3} * image.width * image.height);
      } catch (const Error&) {
      }
    }
  }
}

class TooLarge : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(TooLarge, IsRefusedByItsHeader) {
  const auto& [name, size] = GetParam();
  EXPECT_SVD_ERROR(read_image(sample(name)), ErrorCode::invalid_argument,
                   AllOf(HasSubstr(name), HasSubstr(size), HasSubstr("at most 16384 per side and 100 million")));
}

INSTANTIATE_TEST_SUITE_P(ReadImage, TooLarge,
                         testing::Values(std::pair("claims_100000x100000.png", "100000x100000"),
                                         std::pair("claims_16385x8.png", "16385x8"),
                                         std::pair("claims_12000x12000.png", "12000x12000"),
                                         std::pair("claims_65000x65000.jpg", "65000x65000"),
                                         std::pair("claims_16383x16383.webp", "16383x16383")));

TEST(ReadImage, IsQuiet) {
  testing::internal::CaptureStderr();
  const auto whole = bytes_of(sample("progressive.jpg"));
  for (size_t size = 0; size < whole.size(); size += 100) {
    try {
      decode_image(std::span(whole).first(size), "upload");
    } catch (const Error&) {
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ReadImage, WorksInManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 20; ++n) {
        EXPECT_EQ(read_image(sample("rgb.png")), picture(32, 48, 9));
        EXPECT_THROW(decode_image({}, "nothing"), Error);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(WriteImage, PngIsExactJpegNearly) {
  const TemporaryFolder folder;
  const Image image = picture(75, 101, 3);
  write_png(folder / "new/folder/a.png", image);
  write_jpeg(folder / "new/folder/a.jpg", image);
  EXPECT_EQ(read_image(folder / "new/folder/a.png"), image);
  EXPECT_GT(psnr(read_image(folder / "new/folder/a.jpg"), image), 38);
  EXPECT_THAT(bytes_of(folder / "new/folder/a.jpg"), testing::SizeIs(testing::Gt(1000)));
  EXPECT_EQ(decode_image(encode_png(image), "memory"), image);
}

TEST(WriteImage, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const Image image = picture(8, 8, 0);
  write_text(folder / "file", "");
  EXPECT_SVD_ERROR(write_png(folder / "file/a.png", image), ErrorCode::bad_file, HasSubstr("folder cannot be created"));
  EXPECT_SVD_ERROR(write_png("/proc/a.png", image), ErrorCode::bad_file,
                   AllOf(HasSubstr("/proc/a.png"), HasSubstr("cannot be written")));
  EXPECT_SVD_ERROR(write_jpeg(folder / "a.jpg", {8, 8, {}}), ErrorCode::invalid_argument, HasSubstr("192 bytes"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.jpg"));
}

}  // namespace
}  // namespace svd::test
