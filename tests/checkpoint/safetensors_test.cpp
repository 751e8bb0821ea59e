#include "checkpoint/safetensors.h"

#include <gmock/gmock.h>

#include <cstring>
#include <type_traits>

#include "checkpoint/temporary.h"
#include "support/golden.h"
#include "svd/error.h"

namespace svd {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_file);
    return error.what();
  }
  return "(no error)";
}

static_assert(!std::is_copy_constructible_v<SafetensorsFile> && std::is_nothrow_move_constructible_v<MappedFile>);
static_assert(std::is_move_constructible_v<SafetensorsFile> && std::is_move_assignable_v<SafetensorsFile>);

TEST(SafetensorsFile, ReadsTheTypesOfThisProgram) {
  const test::TemporaryFolder folder;
  const auto path = folder.file("a.safetensors",
                                test::raw_safetensors(R"({"__metadata__":{"format":"pt","note":"\u00e9"},)"
                                                      R"("f":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                                                      R"("h":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},)"
                                                      R"("b":{"dtype":"BF16","shape":[],"data_offsets":[14,16]},)"
                                                      R"("empty":{"dtype":"F32","shape":[0,7],"data_offsets":[16,16]},)"
                                                      R"("u":{"data_offsets":[16,18],"shape":[2],"dtype":"U8"}}   )",
                                                      18));
  const SafetensorsFile file(path);
  EXPECT_EQ(file.describe(), path.string());
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("format", "pt"), Pair("note", "é")));
  ASSERT_EQ(file.index().size(), 5u);
  EXPECT_EQ(file.index().at("f").type, DType::f32);
  EXPECT_EQ(file.index().at("f").shape, (Shape{2, 1}));
  EXPECT_EQ(file.index().at("h").type, DType::f16);
  EXPECT_EQ(file.index().at("b").type, DType::bf16);
  EXPECT_EQ(file.index().at("b").shape, Shape{});
  EXPECT_EQ(file.index().at("u").type, DType::u8);
  std::vector<std::byte> storage;
  EXPECT_EQ(text_of(file.read("f", storage)), std::string("\0\1\2\3\4\5\6\7", 8));
  EXPECT_EQ(text_of(file.read("h", storage)), "\x08\x09\x0a\x0b\x0c\x0d");
  EXPECT_EQ(text_of(file.read("b", storage)), "\x0e\x0f");
  EXPECT_EQ(text_of(file.read("u", storage)), "\x10\x11");
  EXPECT_TRUE(file.read("empty", storage).empty());
}

TEST(SafetensorsFile, AlignsWhatTheFileDoesNot) {
  for (size_t padding = 0; padding < 4; ++padding) {
    const test::TemporaryFolder folder;
    const std::string header = R"({"u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                               R"("f":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})" +
                               std::string(padding, ' ');
    const SafetensorsFile file(folder.file("a.safetensors", test::raw_safetensors(header, 9)));
    std::vector<std::byte> storage;
    const auto bytes = file.read("f", storage);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.data()) % sizeof(float), 0u) << padding;
    EXPECT_EQ(text_of(bytes), "\1\2\3\4\5\6\7\x08");
    const bool aligned_in_file = (8 + header.size() + 1) % 4 == 0;
    EXPECT_EQ(bytes.data() == storage.data(), !aligned_in_file);
  }
}

TEST(SafetensorsFile, ListsOtherTypesApart) {
  const test::TemporaryFolder folder;
  const SafetensorsFile file(folder.file(
      "a.safetensors", test::raw_safetensors(R"({"position_ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]},)"
                                             R"("flag":{"dtype":"BOOL","shape":[],"data_offsets":[16,17]},)"
                                             R"("w":{"dtype":"F32","shape":[1],"data_offsets":[17,21]}})",
                                             21)));
  EXPECT_EQ(file.index().size(), 1u);
  EXPECT_THAT(file.other_types(), ElementsAre(Pair("flag", "BOOL"), Pair("position_ids", "I64")));
  std::vector<std::byte> storage;
  EXPECT_THAT(message_of([&] { file.read("position_ids", storage); }),
              AllOf(StartsWith(file.describe()), HasSubstr("\"position_ids\""), HasSubstr("I64")));
  EXPECT_THAT(message_of([&] { file.read("nothing", storage); }),
              AllOf(StartsWith(file.describe()), HasSubstr("no tensor \"nothing\"")));
}

TEST(SafetensorsFile, HoldsNoTensors) {
  const test::TemporaryFolder folder;
  EXPECT_TRUE(SafetensorsFile(folder.file("a.safetensors", test::raw_safetensors("{}", 0))).index().empty());
  const SafetensorsFile b(folder.file("b.safetensors", test::raw_safetensors(R"({"__metadata__":null})", 0)));
  EXPECT_TRUE(b.index().empty());
}

// A header whose length happens to look like the beginning of a pickle (0x80 0x02) is still a header.
TEST(SafetensorsFile, IsNotTakenForAPickle) {
  const test::TemporaryFolder folder;
  std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  header.resize(0x0280, ' ');
  EXPECT_EQ(SafetensorsFile(folder.file("a.safetensors", test::raw_safetensors(header, 1))).index().size(), 1u);
}

TEST(SafetensorsFile, StillReadsAfterReleaseAndMove) {
  SafetensorsFile first(test::golden_path("tiny_unet.safetensors"));
  std::vector<std::byte> storage;
  const std::string before = text_of(first.read("x", storage));
  first.release("");
  first.release("x");
  first.release("no such prefix");
  SafetensorsFile second = std::move(first);
  EXPECT_EQ(text_of(second.read("x", storage)), before);
  second = SafetensorsFile(test::golden_path("schedule.safetensors"));
  EXPECT_TRUE(second.index().contains("sigmas_10")) << "of another file";
}

TEST(SafetensorsFile, OpensEveryGoldenFile) {
  for (const auto& entry : std::filesystem::directory_iterator(test::golden_path("."))) {
    if (entry.path().extension() != ".safetensors") continue;
    const SafetensorsFile file(entry.path());
    EXPECT_FALSE(file.index().empty()) << entry.path();
    std::vector<std::byte> storage;
    for (const auto& [name, info] : file.index()) {
      EXPECT_EQ(file.read(name, storage).size(), static_cast<size_t>(info.shape.numel()) * size_of(info.type)) << name;
    }
  }
}

TEST(GoldenFile, GivesValuesAndShapes) {
  const test::GoldenFile file("tiny_svd_pipeline.safetensors");
  EXPECT_TRUE(file.has("image_u8"));
  EXPECT_FALSE(file.has("image_u9"));
  EXPECT_EQ(file.shape("image_u8").rank(), 3u);
  EXPECT_EQ(static_cast<int64_t>(file.u8("image_u8").size()), file.shape("image_u8").numel());
  EXPECT_THROW(file.f32("image_u8"), Error);
  EXPECT_THROW(file.shape("image_u9"), Error);
}

TEST(GoldenFile, ComparesByRelativeL2) {
  using V = std::vector<float>;
  EXPECT_EQ(test::relative_l2(V{1, 2}, V{1, 2}), 0);
  EXPECT_EQ(test::relative_l2(V{0}, V{0}), 0);
  EXPECT_DOUBLE_EQ(test::relative_l2(V{3, 5}, V{3, 4}), 0.2);
  EXPECT_TRUE(std::isinf(test::relative_l2(V{1}, V{1, 2})));
  EXPECT_TRUE(std::isinf(test::relative_l2(V{NAN}, V{1})));
  EXPECT_TRUE(std::isinf(test::relative_l2(V{1}, V{0})));
}

}  // namespace
}  // namespace svd
