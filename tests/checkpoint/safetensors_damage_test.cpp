// Files that are not what they should be: each must be refused with a helpful message.
#include <gmock/gmock.h>

#include <vector>

#include "checkpoint/safetensors.h"
#include "checkpoint/temporary.h"
#include "svd/error.h"

namespace svd {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void expect_refused(const std::string& content, const std::vector<std::string>& words) {
  const test::TemporaryFolder folder;
  const auto path = folder.file("model.safetensors", content);
  try {
    const SafetensorsFile file(path);
    ADD_FAILURE() << "accepted; expected: " << words.front();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_file);
    EXPECT_THAT(error.what(), StartsWith(path.string() + ": "));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    for (const std::string& word : words) EXPECT_THAT(error.what(), HasSubstr(word));
  }
}

void expect_header_refused(const std::string& header, const std::vector<std::string>& words, size_t data_bytes = 4) {
  SCOPED_TRACE(header.substr(0, 200));
  expect_refused(test::raw_safetensors(header, data_bytes), words);
}

// A file of the one tensor "t", described by `fields`.
void expect_tensor_refused(const std::string& fields, std::vector<std::string> words) {
  words.push_back("tensor \"t\"");
  expect_header_refused("{\"t\":{" + fields + "}}", words);
}

std::string file_beginning(std::string_view bytes) { return std::string(bytes) + std::string(500, 'x'); }

TEST(SafetensorsDamage, IsNotThere) {
  try {
    const SafetensorsFile file("/nonexistent/model.safetensors");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), StartsWith("/nonexistent/model.safetensors: "));
  }
  EXPECT_THROW(SafetensorsFile("/tmp"), Error);
}

TEST(SafetensorsDamage, IsOfAnotherKind) {
  expect_refused("", {"empty", "0 bytes", "download it again"});
  expect_refused("\1\2\3", {"only 3 bytes"});
  expect_refused(file_beginning("PK\x03\x04\x14 archive/data.pkl"), {"PyTorch pickle", "use the .safetensors"});
  expect_refused(file_beginning("\x80\x02}q"), {"PyTorch pickle", "use the .safetensors"});
  expect_refused(file_beginning("<!DOCTYPE html>\n<html>"), {"HTML", "download it again"});
  expect_refused(file_beginning("\n\n <html>"), {"HTML"});
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9559625980\n", {"Git LFS pointer"});
  expect_refused(R"({"weight_map": {"a": "b"}})", {"JSON"});
  expect_refused(file_beginning("GGUF\x03"), {"GGUF"});
  expect_refused(std::string(64, '\0'), {"not a safetensors file"});
  expect_refused(std::string(64, '\xFF'), {"header of 18446744073709551615 bytes"});
  expect_refused(std::string("\x10\0\0\0\0\0\0\0", 8) + std::string(64, 'x'), {"does not begin with '{'"});
}

TEST(SafetensorsDamage, HeaderDoesNotFit) {
  const std::string whole = test::raw_safetensors(R"({"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4);
  expect_refused(whole.substr(0, 30), {"the header alone needs 61 bytes", "the file has 30", "incomplete"});
  expect_refused(whole.substr(0, 8), {"incomplete"});
  expect_refused(std::string("\0\xE1\xF5\x05\0\0\0\0{", 9), {"header alone needs 100000008 bytes"});
  expect_refused(std::string("\1\xE1\xF5\x05\0\0\0\0{", 9), {"header of 100000001 bytes", "100000000"});
  expect_refused(std::string(8, '\0'), {"header is empty"});
}

TEST(SafetensorsDamage, HeaderIsNotJson) {
  expect_header_refused("{", {"not valid JSON"});
  expect_header_refused("{}}", {"not valid JSON"});
  expect_header_refused("{} {}", {"not valid JSON"});
  expect_header_refused(R"({"t":{"dtype":"U8",}})", {"not valid JSON"});
  expect_header_refused("{\"t\xFF\":{}}", {"not valid JSON in UTF-8"});
  expect_header_refused(std::string("{\"t\0\":{}}", 9), {"not valid JSON"});
  expect_header_refused(R"({"t":{"dtype":"U8","shape":[1e999],"data_offsets":[0,4]}})", {"not valid JSON"});
  expect_header_refused("[]", {"does not begin with '{'"});
  expect_header_refused("null", {"does not begin with '{'"});
  expect_header_refused(" {}", {"does not begin with '{'"}, 0);
}

TEST(SafetensorsDamage, HeaderNests) {
  const std::string many(1'000'000, '[');
  expect_header_refused("{\"t\":" + many, {"tensor \"t\"", "a list"});
  expect_header_refused("{\"t\":{\"shape\":" + many, {"tensor \"t\"", "a list"});
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  expect_header_refused(objects, {"tensor \"a\" has the unknown field"});
  expect_header_refused(R"({"a":{"dtype":)" + objects, {"tensor \"a\"", "dtype is an object"});
  expect_header_refused("{\"__metadata__\":" + objects, {"metadata", "an object"});
}

TEST(SafetensorsDamage, HeaderRepeats) {
  const std::string t = R"("t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  expect_header_refused("{" + t + "," + t + "}", {"names \"t\" twice"});
  expect_header_refused(R"({"\u0074":{},)" + t + "}", {"names \"t\" twice"});
  expect_header_refused(R"({"__metadata__":{},)" + t + R"(,"__metadata__":{}})", {"names \"__metadata__\" twice"});
  expect_header_refused(R"({"__metadata__":{"k":"1","k":"2"},)" + t + "}", {"metadata", "\"k\" twice"});
  expect_tensor_refused(R"("dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4])", {"\"dtype\" twice"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4])", {"\"shape\" twice"});
  expect_tensor_refused(R"("data_offsets":[],"data_offsets":[0,4])", {"\"data_offsets\" twice"});
}

TEST(SafetensorsDamage, MetadataIsNotText) {
  expect_header_refused(R"({"__metadata__":{"k":1}})", {"metadata \"k\"", "a string"}, 0);
  expect_header_refused(R"({"__metadata__":{"k":null}})", {"metadata \"k\"", "a string"}, 0);
  expect_header_refused(R"({"__metadata__":"k"})", {"__metadata__"}, 0);
}

TEST(SafetensorsDamage, FieldIsMissingOrIllTyped) {
  expect_tensor_refused(R"("shape":[4],"data_offsets":[0,4])", {"dtype is missing"});
  expect_tensor_refused(R"("dtype":"U8","data_offsets":[0,4])", {"shape is missing"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4])", {"data_offsets is missing"});
  expect_tensor_refused(R"("dtype":"U9","shape":[4],"data_offsets":[0,4])", {"unknown dtype \"U9\""});
  expect_tensor_refused(R"("dtype":7,"shape":[4],"data_offsets":[0,4])", {"dtype is a number"});
  expect_tensor_refused(R"("dtype":["U8"],"shape":[4],"data_offsets":[0,4])", {"dtype is a list"});
  expect_tensor_refused(R"("dtype":"U8","shape":4,"data_offsets":[0,4])", {"shape is a number"});
  expect_tensor_refused(R"("dtype":"U8","shape":{"0":4},"data_offsets":[0,4])", {"shape is an object"});
  expect_tensor_refused(R"("dtype":"U8","shape":["4"],"data_offsets":[0,4])", {"shape contains a string"});
  expect_tensor_refused(R"("dtype":"U8","shape":[true],"data_offsets":[0,4])", {"shape contains true"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4],"data_offsets":null)", {"data_offsets is null"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4],"data_offsets":[4])", {"two numbers"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4],"data_offsets":[0,4,4])", {"two whole numbers"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4],"data_offsets":[0,4],"strides":[1])",
                        {"unknown field \"strides\""});
  expect_header_refused(R"({"t":4})", {"tensor \"t\"", "a number"});
}

TEST(SafetensorsDamage, NumberIsNotASize) {
  expect_tensor_refused(R"("dtype":"U8","shape":[-4],"data_offsets":[0,4])", {"shape contains -4"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4.0],"data_offsets":[0,4])", {"shape contains \"4.0\""});
  expect_tensor_refused(R"("dtype":"U8","shape":[4],"data_offsets":[-4,0])", {"data_offsets contains -4"});
  expect_tensor_refused(R"("dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,4])", {"shape contains"});
  expect_tensor_refused(R"("dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,4])", {"too large"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4],"data_offsets":[0,9223372036854775808])", {"too large"});
  // 2^32 * 2^32 would wrap to 0, 2^62 elements of 4 bytes too; so would the first two of three that end in 0.
  expect_tensor_refused(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0])", {"too large"});
  expect_tensor_refused(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0])", {"too large"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0])", {"too large"});
  expect_tensor_refused(R"("dtype":"U8","shape":[1,1,1,1,2,2],"data_offsets":[0,4])", {"more than 5 dimensions"});
}

TEST(SafetensorsDamage, SizesDisagree) {
  expect_tensor_refused(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])",
                        {"[2] of F32 needs 8 bytes", "data_offsets span 4"});
  expect_tensor_refused(R"("dtype":"U8","shape":[3],"data_offsets":[0,4])", {"needs 3 bytes"});
  expect_tensor_refused(R"("dtype":"I64","shape":[1],"data_offsets":[0,4])", {"of I64 needs 8 bytes"});
  expect_tensor_refused(R"("dtype":"U8","shape":[4],"data_offsets":[4,0])", {"begin at 4, after their end at 0"});
}

TEST(SafetensorsDamage, TensorsOverlapOrLeaveHoles) {
  expect_header_refused(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                        R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                        {"\"a\" and \"b\" overlap"});
  expect_header_refused(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                        R"("b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                        {"overlap"});
  expect_header_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                        R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                        {"tensor \"b\": 1 bytes before it"});
  expect_tensor_refused(R"("dtype":"U8","shape":[3],"data_offsets":[1,4])", {"1 bytes before it"});
  expect_tensor_refused(R"("dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807])",
                        {"9223372036854775806 bytes before it"});
}

TEST(SafetensorsDamage, DataIsCutOrTooLong) {
  const std::string header = R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string expected = std::to_string(8 + header.size() + 8);
  const std::string found = std::to_string(8 + header.size() + 7), longer = std::to_string(8 + header.size() + 9);
  expect_header_refused(header, {"expected " + expected + " bytes", "the file has " + found + ":", "incomplete"}, 7);
  expect_header_refused(header, {"longer than its header says", expected, longer}, 9);
  expect_header_refused("{}", {"longer than its header says"}, 1);
  expect_header_refused(R"({"t":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}})",
                        {"incomplete"});
}

// Names from the file must not break the message's one line, nor fill it.
TEST(SafetensorsDamage, NamesAreShownSafely) {
  expect_header_refused(R"({"a\nb\u001b[31m":{}})", {R"("a\x0ab\x1b[31m")"});
  expect_header_refused("{\"" + std::string(1'000'000, 'n') + "\":{}}", {"nnn...\""});
}

// Whatever single byte is wrong, the answer is a file or an Error, never anything else (run under the sanitizers).
TEST(SafetensorsDamage, AnyByteMayBeWrong) {
  const test::TemporaryFolder folder;
  const std::string good = test::raw_safetensors(R"({"__metadata__":{"k":"v"},)"
                                                 R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                                 R"("b":{"dtype":"U8","shape":[2,1],"data_offsets":[8,10]}})",
                                                 10);
  const auto path = folder / "model.safetensors";
  int accepted = 0;
  const auto try_it = [&](const std::string& content) {
    std::filesystem::remove(path);
    folder.file("model.safetensors", content);
    try {
      const SafetensorsFile file(path);
      std::vector<std::byte> storage;
      for (const auto& [name, info] : file.index()) file.read(name, storage);
      ++accepted;
    } catch (const Error&) {
    }
  };
  for (size_t i = 0; i + 10 < good.size(); ++i) {
    for (const char c : {'\0', '\xFF', '"', '0', '9', '{', '}', '[', ']', ',', '-', '\\'}) {
      std::string bad = good;
      bad[i] = c;
      try_it(bad);
    }
    try_it(good.substr(0, i));
  }
  EXPECT_GT(accepted, 0);  // a changed letter of a name does no harm
}

}  // namespace
}  // namespace svd
