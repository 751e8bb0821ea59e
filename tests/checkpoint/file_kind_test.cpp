// Files that were saved under a checkpoint's name: each is named, with what to do.
#include "checkpoint/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors.h"
#include "checkpoint/temporary.h"
#include "svd/error.h"

namespace svd {
namespace {

using namespace std::string_view_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string refusal(std::string_view content) {
  const test::TemporaryFolder folder;
  const auto path = folder.file("model.safetensors", content);
  try {
    const SafetensorsFile file(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_file);
    EXPECT_THAT(error.what(), testing::StartsWith(path.string() + ": "));
    EXPECT_THAT(error.what(), AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
    return error.what();
  }
  return "accepted";
}

std::string padded(std::string_view bytes) { return std::string(bytes) + std::string(500, '\x7'); }

TEST(FileKind, TextIsQuoted) {
  EXPECT_THAT(
      refusal("Access to model a/b is restricted. You must be authenticated.\nMore.\n"),
      AllOf(HasSubstr("it is a text"), HasSubstr("\"Access to model a/b is restricted. You must be authenticated.\""),
            HasSubstr("log in"), Not(HasSubstr("More")), Not(HasSubstr("header of"))));
  EXPECT_THAT(refusal("\xEF\xBB\xBF\r\n  Entry not found"), HasSubstr("\"Entry not found\""));
  EXPECT_THAT(refusal("No"), HasSubstr("\"No\""));
  EXPECT_THAT(refusal("Zugriff verweigert f\xC3\xBCr Sie\x1b[31m"), HasSubstr("f\xC3\xBCr Sie\\x1b[31m\""));
  const std::string quoted = refusal("x" + std::string(1'000'000, '\x1b'));  // cut, and every byte escaped
  EXPECT_THAT(quoted, HasSubstr("...\""));
  EXPECT_LT(quoted.size(), 1500u);
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "\xC3\xBC";
  EXPECT_THAT(refusal("x" + umlauts), HasSubstr("\xC3\xBC...\""));  // not cut inside a character
  EXPECT_THAT(refusal("text until here\0and then not"sv), Not(HasSubstr("it is a text")));
  EXPECT_THAT(refusal(std::string("\xFF\xFE") + std::string("A\0c\0c\0e\0s\0s\0", 12)), HasSubstr("UTF-16"));
}

TEST(FileKind, AServersAnswerIsQuoted) {
  EXPECT_THAT(refusal(R"({"error":"Invalid username or password."})"),
              AllOf(HasSubstr("server's answer"), HasSubstr("\"Invalid username or password.\"")));
  EXPECT_THAT(refusal(R"({"error":{"code":401,"message":"Token expired"}})"), HasSubstr("\"Token expired\""));
  EXPECT_THAT(refusal("{\"error\":" + std::string(60'000, '[') + std::string(60'000, ']') + "}"), HasSubstr("JSON"));
  EXPECT_THAT(refusal("{\"error\":" + std::string(30'000, '[') + std::string(30'000, ']') + "}"), HasSubstr("JSON"));
  EXPECT_THAT(refusal(R"({"metadata":{},"weight_map":{"a":"model-00001-of-00002.safetensors"}})"),
              HasSubstr("index of a checkpoint that was split"));
  EXPECT_THAT(refusal("<!DOCTYPE html><html><head><title>Sign in\n</title>"),
              AllOf(HasSubstr("HTML"), HasSubstr("\"Sign in\""), HasSubstr("download it again")));
}

struct Known {
  std::string_view bytes, words, advice;
};

class KnownKind : public testing::TestWithParam<Known> {};

TEST_P(KnownKind, IsNamed) {
  const auto& [bytes, words, advice] = GetParam();
  EXPECT_THAT(refusal(padded(bytes)), AllOf(HasSubstr(std::string(words)), HasSubstr(std::string(advice))));
}

INSTANTIATE_TEST_SUITE_P(
    FileKind, KnownKind,
    testing::Values(Known{"\x1F\x8B\x08\0\0\0\0\0\0\3"sv, "gzip", "unpack"},  // without a time: a small header length
                    Known{"\x28\xB5\x2F\xFD\x04"sv, "zstd", "unpack"}, Known{"BZh91AY"sv, "bzip2", "unpack"},
                    Known{"PK\x03\x04\x14\0\0\0other/file.txt"sv, "a ZIP archive", "unpack"},
                    Known{"PK\x03\x04\x14\0\0\0archive/data.pkl"sv, "PyTorch pickle", "use the .safetensors"},
                    Known{"\x80\x02}q\1"sv, "PyTorch pickle", "use the .safetensors"},
                    Known{"GGUF\3\0\0\0"sv, "GGUF", "use the .safetensors"},
                    Known{"\x89HDF\r\n\x1A\n"sv, "HDF5", "use the .safetensors"},
                    Known{"\xFF\xD8\xFF\xE0\0\x10JFIF"sv, "a JPEG picture", "--input_path"},
                    Known{"\x89PNG\r\n\x1A\n"sv, "a PNG picture", "--input_path"},
                    Known{"\0\0\0\x18"
                          "ftypmp42"sv,
                          "a video", "not a model"},
                    Known{"\x1A\x45\xDF\xA3"sv, "a video (WebM", "not a model"},
                    Known{"\0\5\x16\7\0\2\0\0Mac OS X"sv, "macOS", "leading ._"}));

TEST(FileKind, ZerosAreADownloadThatDidNotBegin) {
  EXPECT_THAT(refusal(std::string(100'000, '\0')), AllOf(HasSubstr("zeros"), HasSubstr("download it again")));
}

TEST(FileKind, ACutFileSaysHowMuchIsMissing) {
  const std::string whole = test::raw_safetensors(R"({"t":{"dtype":"U8","shape":[90],"data_offsets":[0,90]}})", 90);
  EXPECT_THAT(refusal(whole.substr(0, whole.size() - 25)), HasSubstr("25 bytes are missing"));
  const test::TemporaryFolder folder;
  for (const auto& [name, said] : {std::pair("a.safetensors.part", true), std::pair("a.safetensors", false)}) {
    try {
      const SafetensorsFile file(folder.file(name, whole.substr(0, 100)));
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("as its name also says") != std::string::npos, said) << error.what();
    }
  }
}

TEST(FileKind, ShardsAreKnownByTheirName) {
  const auto shard = shard_of("model-00002-of-00003.safetensors");
  ASSERT_TRUE(shard);
  EXPECT_EQ(shard->set, "model-*-of-00003.safetensors");
  EXPECT_EQ(shard->number, 2);
  EXPECT_EQ(shard->count, 3);
  for (const char* name : {"model.safetensors", "model-00001-of-00001.safetensors", "-0000a-of-00003.safetensors",
                           "model-00001-of-00003.bin", "model-1-of-3.safetensors", ".safetensors", ""}) {
    EXPECT_FALSE(shard_of(name)) << name;
  }
}

}  // namespace
}  // namespace svd
