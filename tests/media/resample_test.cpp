#include "media/resample.h"

#include "media_test_support.h"
#include "support/golden.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Case {
  int from_height, from_width, to_height, to_width;
  bool some_rows = false;  // the golden file has rows 100 to 107 only

  std::string name(const char* kind) const {
    return std::string(kind) + "_" + std::to_string(from_height) + "x" + std::to_string(from_width) + "_to_" +
           std::to_string(to_height) + "x" + std::to_string(to_width) + (some_rows ? "_rows_100_108" : "");
  }
  int first_row() const { return some_rows ? 100 : 0; }
  int rows() const { return some_rows ? 8 : to_height; }
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name("from"); }

class Bicubic : public testing::TestWithParam<Case> {};

TEST_P(Bicubic, IsPillowsBitForBit) {
  const Case c = GetParam();
  const auto expected = GoldenFile("image_resize.safetensors").u8(c.name("pillow_bicubic"));
  const Image found = resize_bicubic(picture(c.from_height, c.from_width, 5), c.to_width, c.to_height);
  ASSERT_EQ(found.width, c.to_width);
  ASSERT_EQ(found.height, c.to_height);
  const auto begin = found.rgb.begin() + ptrdiff_t{3} * c.first_row() * c.to_width;
  EXPECT_EQ(std::vector<uint8_t>(begin, begin + ptrdiff_t{3} * c.rows() * c.to_width), expected);
}

INSTANTIATE_TEST_SUITE_P(Golden, Bicubic,
                         testing::Values(Case{97, 65, 64, 64}, Case{130, 200, 128, 192},
                                         Case{600, 1100, 576, 1088, true}, Case{1080, 1920, 1024, 1920, true}));

class Area : public testing::TestWithParam<Case> {};

TEST_P(Area, IsTorchs) {
  const Case c = GetParam();
  const auto expected = GoldenFile("image_resize.safetensors").f32(c.name("area_cover"));
  const auto found = cover_crop_area(picture(c.from_height, c.from_width, 5), c.to_width, c.to_height);
  ASSERT_EQ(found.size(), size_t{3} * c.to_height * c.to_width);
  std::vector<float> rows;
  for (int channel = 0; channel < 3; ++channel) {
    const auto begin = found.begin() + (ptrdiff_t{channel} * c.to_height + c.first_row()) * c.to_width;
    rows.insert(rows.end(), begin, begin + ptrdiff_t{c.rows()} * c.to_width);
  }
  EXPECT_LT(relative_l2(rows, expected), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Golden, Area,
                         testing::Values(Case{200, 640, 192, 128}, Case{768, 512, 128, 192},
                                         Case{300, 300, 576, 1024, true}, Case{600, 1100, 576, 1024, true},
                                         Case{1080, 1920, 576, 1024, true}));

TEST(Resample, SameSizeIsTheSamePicture) {
  const Image image = picture(70, 90, 1);
  EXPECT_EQ(resize_bicubic(image, 90, 70), image);
  EXPECT_EQ(to_image(cover_crop_area(image, 90, 70), 90, 70), image);
}

TEST(Resample, OneFlatColourStaysThat) {
  const Image flat{7, 5, std::vector<uint8_t>(7 * 5 * 3, 201)};
  for (const auto& [width, height] : {std::pair{3, 2}, {64, 64}, {1, 200}}) {
    EXPECT_EQ(resize_bicubic(flat, width, height).rgb, std::vector<uint8_t>(size_t{3} * width * height, 201));
    EXPECT_EQ(to_image(cover_crop_area(flat, width, height), width, height).rgb,
              std::vector<uint8_t>(size_t{3} * width * height, 201));
  }
}

TEST(Resample, CoverCropKeepsTheCentre) {
  Image image{300, 100, std::vector<uint8_t>(300 * 100 * 3, 0)};
  for (int y = 0; y < 100; ++y) std::fill_n(image.rgb.begin() + (y * 300 + 100) * 3, 300, 255);  // the middle third
  EXPECT_EQ(to_image(cover_crop_area(image, 64, 64), 64, 64).rgb, std::vector<uint8_t>(64 * 64 * 3, 255));
}

TEST(Resample, FitsToMultiplesOf64) {
  const auto size_of = [](int width, int height) {
    const Image fitted = fit_to_multiple_of_64(picture(height, width, 2));
    return std::pair(fitted.width, fitted.height);
  };
  EXPECT_EQ(size_of(1024, 576), std::pair(1024, 576));
  EXPECT_EQ(size_of(1100, 600), std::pair(1088, 576));
  EXPECT_EQ(size_of(64, 127), std::pair(64, 64));
  EXPECT_SVD_ERROR(fit_to_multiple_of_64(picture(63, 500, 0)), ErrorCode::invalid_argument,
                   AllOf(HasSubstr("500x63"), HasSubstr("64 or more")));
}

TEST(Resample, RefusesNonsense) {
  const Image image = picture(8, 8, 0);
  EXPECT_SVD_ERROR(resize_bicubic(image, 0, 8), ErrorCode::invalid_argument, HasSubstr("0x8"));
  EXPECT_SVD_ERROR(resize_bicubic(image, 8, 1 << 20), ErrorCode::invalid_argument, HasSubstr("16384"));
  EXPECT_SVD_ERROR(cover_crop_area({8, 8, {1, 2}}, 8, 8), ErrorCode::invalid_argument, HasSubstr("192 bytes"));
  EXPECT_SVD_ERROR(cover_crop_area({}, 8, 8), ErrorCode::invalid_argument, HasSubstr("0x0"));
}

TEST(Resample, ToImageRoundsAndClamps) {
  const float values[] = {-1, 0, 0.5f / 255 + 1e-6f, 100.4f / 255, 2, NAN};  // two pixels: r r g g b b
  EXPECT_EQ(to_image(values, 2, 1).rgb, (std::vector<uint8_t>{0, 1, 255, 0, 100, 0}));
}

}  // namespace
}  // namespace svd::test
