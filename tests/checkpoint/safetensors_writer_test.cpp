#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>

#include "checkpoint/safetensors.h"
#include "checkpoint/temporary.h"
#include "svd/error.h"

namespace svd {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<std::byte> pattern(size_t n, int start) {
  std::vector<std::byte> bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(start + static_cast<int>(i) * 7);
  return bytes;
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) { return std::ranges::equal(a, b); }

class EveryType : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(SafetensorsWriter, EveryType, testing::Values(DType::f32, DType::bf16, DType::f16, DType::u8),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST_P(EveryType, ComesBack) {
  const test::TemporaryFolder folder;
  const DType type = GetParam();
  const std::map<std::string, Shape> shapes = {{"scalar", {}},
                                               {"none", {3, 0}},
                                               {"vector", {5}},
                                               {"five.dimensions", {2, 1, 3, 1, 2}},
                                               {"a \"name\" \\ with\n\xC3\xA9", {2, 2}}};
  std::map<std::string, std::vector<std::byte>> contents;
  std::map<std::string, TensorBytes, std::less<>> tensors;
  for (const auto& [name, shape] : shapes) {
    const auto& bytes = contents[name] = pattern(shape.numel() * size_of(type), static_cast<int>(name.size()));
    tensors[name] = {.info = {.shape = shape, .type = type}, .bytes = bytes};
  }
  write_safetensors(folder / "a.safetensors", tensors, {{"format", "pt"}, {"quote\"", "new\nline"}});

  const SafetensorsFile file(folder / "a.safetensors");
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"quote\"", "new\nline"}}));
  ASSERT_EQ(file.index().size(), shapes.size());
  std::vector<std::byte> storage;
  for (const auto& [name, shape] : shapes) {
    EXPECT_EQ(file.index().at(name).shape, shape) << name;
    EXPECT_EQ(file.index().at(name).type, type) << name;
    EXPECT_TRUE(same(file.read(name, storage), contents[name])) << name;
  }
}

// The bytes themselves, so that reader and writer cannot be wrong together.
TEST(SafetensorsWriter, WritesTheFormat) {
  const test::TemporaryFolder folder;
  const auto bytes = pattern(8, 0);
  SafetensorsWriter writer(folder / "a.safetensors", {{"z", {{2}, DType::bf16}}, {"a", {{4}, DType::u8}}});
  writer.write("z", std::span(bytes).first(4));
  writer.append("a", std::span(bytes).subspan(4, 1));
  writer.append("a", std::span(bytes).subspan(5, 3));
  writer.finish();
  std::string header =
      R"({"z":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  std::string expected = test::raw_safetensors(header, 0);
  expected.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_EQ(test::content_of(folder / "a.safetensors"), expected);
}

TEST(SafetensorsWriter, LeavesNothingWithoutFinish) {
  const test::TemporaryFolder folder;
  {
    SafetensorsWriter writer(folder / "a.safetensors", {{"a", {{4}, DType::u8}}});
    writer.write("a", pattern(4, 0));
    EXPECT_FALSE(std::filesystem::exists(folder / "a.safetensors"));
  }
  EXPECT_TRUE(folder.is_empty());
}

TEST(SafetensorsWriter, RefusesWrongUse) {
  const test::TemporaryFolder folder;
  const TensorInfo four{.shape = {4}, .type = DType::u8};
  {
    SafetensorsWriter writer(folder / "a.safetensors", {{"a", four}, {"b", four}});
    EXPECT_THROW(writer.write("b", pattern(4, 0)), Error);   // out of order
    EXPECT_THROW(writer.write("a", pattern(3, 0)), Error);   // too short
    EXPECT_THROW(writer.append("a", pattern(5, 0)), Error);  // too long
    EXPECT_THROW(writer.finish(), Error);                    // too early
    writer.append("a", pattern(1, 0));
    EXPECT_THROW(writer.write("a", pattern(4, 0)), Error);   // whole after a piece
    EXPECT_THROW(writer.append("a", pattern(4, 0)), Error);  // too long in all
    writer.append("a", pattern(3, 0));
    writer.write("b", pattern(4, 0));
    EXPECT_THROW(writer.write("b", pattern(4, 0)), Error);  // after the last
    writer.finish();
    EXPECT_THROW(writer.finish(), Error);
  }
  EXPECT_EQ(SafetensorsFile(folder / "a.safetensors").index().size(), 2u);

  const auto refuses = [&](const std::string& name) {
    EXPECT_THROW(SafetensorsWriter(folder / "b.safetensors", {{name, four}, {"a", four}}), Error) << name;
  };
  refuses("a");
  refuses("__metadata__");
  refuses("\xFF");
}

TEST(SafetensorsWriter, NamesTheFileItCannotWrite) {
  try {
    const SafetensorsWriter writer("/proc/no/a.safetensors", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_file);
    EXPECT_THAT(error.what(), HasSubstr("/proc/no"));
  }
}

// A limit on the size of files fails in the middle of writing as a full disk does.
TEST(SafetensorsWriter, LeavesNothingWhenTheDiskIsFull) {
  const test::TemporaryFolder folder;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit small{.rlim_cur = 1 << 16, .rlim_max = old_limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message = "(no error)";
  try {
    const auto bytes = pattern(1 << 20, 0);
    write_safetensors(folder / "a.safetensors",
                      {{"a", {.info = {.shape = {1 << 20}, .type = DType::u8}, .bytes = bytes}}});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_file);
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(message, AllOf(HasSubstr((folder / "a.safetensors").string()), HasSubstr("cannot be written")));
  EXPECT_TRUE(folder.is_empty());
}

}  // namespace
}  // namespace svd
