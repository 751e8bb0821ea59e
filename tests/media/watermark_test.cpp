#include "media/watermark.h"

#include <bit>

#include "media_test_support.h"

namespace svd::test {
namespace {

int bit_errors(const Image& image) {
  const auto found = read_watermark(image);
  return found ? std::popcount(*found ^ kWatermark) : kWatermarkBits;
}

Image photo() { return read_image(std::filesystem::path(SVD_ASSETS_DIR) / "rocket.jpg"); }

Image bottom_right(const Image& image, int width, int height) {
  Image part{width, height, {}};
  for (int y = image.height - height; y < image.height; ++y) {
    const auto row = image.rgb.begin() + (ptrdiff_t{y} * image.width + image.width - width) * 3;
    part.rgb.insert(part.rgb.end(), row, row + ptrdiff_t{3} * width);
  }
  return part;
}

TEST(Watermark, IsReadBackAndHardlySeen) {
  for (const Image& original : {picture(576, 1024, 0), picture(576, 1024, 4), photo()}) {
    Image marked = original;
    embed_watermark(marked);
    EXPECT_EQ(bit_errors(marked), 0);
    EXPECT_GT(psnr(marked, original), 38);
    EXPECT_NE(bit_errors(original), 0);
  }
}

TEST(Watermark, SurvivesJpeg) {
  Image marked = photo();
  embed_watermark(marked);
  EXPECT_EQ(bit_errors(decode_image(encode_jpeg(marked), "memory")), 0);
}

TEST(Watermark, WorksOnOddSizesAndJustLargeEnoughOnes) {
  for (const auto& [width, height] : {std::pair{1023, 571}, {333, 577}, {256, 256}, {257, 255}, {64, 1024}}) {
    Image marked = bottom_right(photo(), width, std::min(height, 576));
    if (height > 576) marked = picture(height, width, 0);
    const Image original = marked;
    embed_watermark(marked);
    const bool large_enough = width * height >= 256 * 256;
    EXPECT_EQ(marked == original, !large_enough) << width << "x" << height;
    if (large_enough) {
      EXPECT_EQ(bit_errors(marked), 0) << width << "x" << height;
    }
  }
}

TEST(Watermark, LeavesSmallPicturesAlone) {
  Image image = picture(255, 256, 0);
  const Image original = image;
  embed_watermark(image);
  EXPECT_EQ(image, original);
  EXPECT_FALSE(read_watermark(image));
}

TEST(Watermark, LargeEnoughButTooThinForABlock) {
  Image image = picture(7, 10000, 0);
  const Image original = image;
  embed_watermark(image);
  EXPECT_EQ(image, original);
  EXPECT_FALSE(read_watermark(image));
}

TEST(Watermark, ChangesFourPixelsOfABlockAtMostAndNoRed) {
  const Image original = picture(256, 256, 2);
  Image marked = original;
  embed_watermark(marked);
  for (int top = 0; top < 256; top += 8) {
    for (int left = 0; left < 256; left += 8) {
      int changed = 0;
      for (int i = 0; i < 64; ++i) {
        const size_t at = (static_cast<size_t>(top + i / 8) * 256 + left + i % 8) * 3;
        EXPECT_EQ(marked.rgb[at], original.rgb[at]);
        changed += marked.rgb[at + 1] != original.rgb[at + 1] || marked.rgb[at + 2] != original.rgb[at + 2];
      }
      EXPECT_LE(changed, 4);
    }
  }
}

// U of uniform grey is 128, so each LL coefficient is 256 = 7 * 36 + 4: the mark moves the second one of each block
// (the first is never used) to 7.25 * 36 for a zero, 7.75 * 36 for a one.
TEST(Watermark, MovesTheCoefficientThatTheFormulaSays) {
  Image grey{256, 256, std::vector<uint8_t>(256 * 256 * 3, 128)};
  embed_watermark(grey);
  const uint8_t* const one = &grey.rgb[2 * 3];         // block 0, bit 1
  const uint8_t* const zero = &grey.rgb[(8 + 2) * 3];  // block 1, bit 0
  EXPECT_EQ(one[2], 128 + std::lround(2.032 * (7.75 * 36 - 256) / 2));
  EXPECT_EQ(one[1], std::lround(128 - 0.395 * (7.75 * 36 - 256) / 2));
  EXPECT_EQ(zero[2], 128 + std::lround(2.032 * (7.25 * 36 - 256) / 2));
  EXPECT_EQ(grey.rgb[0], 128);
  EXPECT_EQ(bit_errors(grey), 0);
}

}  // namespace
}  // namespace svd::test
