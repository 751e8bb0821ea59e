#include "multipart.h"

#include <gtest/gtest.h>

#include "api_error.h"

namespace svd::server {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=XX";

std::string part(const std::string& headers, const std::string& content) {
  return "--XX\r\n" + headers + "\r\n\r\n" + content + "\r\n";
}

TEST(Multipart, PartsByName) {
  const std::string body =
      "preamble\r\n" + part("Content-Disposition: form-data; name=\"a\"", "one") +
      part("Content-Type: image/png\r\ncontent-disposition:form-data; filename=\"x; name=b\"; name=b",
           "two\r\n--X\r\n\r\n") +
      part("Content-Disposition: form-data; name=\"q\\\"uote\"", "") + "--XX--\r\nepilogue";
  const auto parts = parse_multipart(kType, body);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(part_named(parts, "a"), "one");
  EXPECT_EQ(part_named(parts, "b"), "two\r\n--X\r\n\r\n");
  EXPECT_EQ(part_named(parts, "q\"uote"), "");
  EXPECT_EQ(part_named(parts, "c"), std::nullopt);
}

TEST(Multipart, BoundaryMayBeQuoted) {
  const std::string body = "--a b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--a b--";
  EXPECT_EQ(part_named(parse_multipart("multipart/form-data; charset=utf-8; boundary=\"a b\"", body), "x"), "1");
}

TEST(Multipart, WhatBreaksOffIsRefused) {
  const std::string whole = part("Content-Disposition: form-data; name=\"a\"", "one") + "--XX--";
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(parse_multipart(kType, whole.substr(0, length)), ApiError) << length;
  }
  EXPECT_EQ(parse_multipart(kType, whole).size(), 1u);
}

TEST(Multipart, BoundsOnPartsHeadersAndBoundary) {
  std::string many;
  for (int i = 0; i < 65; ++i) many += part("Content-Disposition: form-data; name=\"a\"", "");
  EXPECT_THROW(parse_multipart(kType, many + "--XX--"), ApiError);
  EXPECT_THROW(parse_multipart(kType, part("A: " + std::string(5000, 'a'), "x") + "--XX--"), ApiError);
  EXPECT_THROW(parse_multipart("multipart/form-data; boundary=" + std::string(71, 'b'), ""), ApiError);
  EXPECT_THROW(parse_multipart("multipart/form-data", "--\r\n\r\n\r\n\r\n----"), ApiError);
}

}  // namespace
}  // namespace svd::server
