#include "byte_range.h"

#include <gtest/gtest.h>

#include "http_date.h"

namespace svd::server {
namespace {

using Kind = ByteRange::Kind;

TEST(ByteRange, IsTheStandards) {
  const struct {
    const char* header;
    uint64_t size;
    Kind kind;
    uint64_t first, length;
  } cases[] = {
      {"", 100, Kind::whole, 0, 0},
      {"bytes=0-0", 100, Kind::part, 0, 1},
      {"bytes=10-29", 100, Kind::part, 10, 20},
      {"BYTES= 10 - 29 ", 100, Kind::part, 10, 20},
      {"bytes=90-", 100, Kind::part, 90, 10},
      {"bytes=90-1000", 100, Kind::part, 90, 10},
      {"bytes=0-18446744073709551615", 100, Kind::part, 0, 100},
      {"bytes=1-99999999999999999999999", 100, Kind::part, 1, 99},
      {"bytes=-1", 100, Kind::part, 99, 1},
      {"bytes=-100", 100, Kind::part, 0, 100},
      {"bytes=-18446744073709551616", 100, Kind::part, 0, 100},
      {"bytes=100-", 100, Kind::unsatisfiable, 0, 0},
      {"bytes=100-200", 100, Kind::unsatisfiable, 0, 0},
      {"bytes=99999999999999999999999-", 100, Kind::unsatisfiable, 0, 0},
      {"bytes=-0", 100, Kind::unsatisfiable, 0, 0},
      {"bytes=0-", 0, Kind::unsatisfiable, 0, 0},
      {"bytes=-5", 0, Kind::unsatisfiable, 0, 0},
      // What is not understood is no range.
      {"bytes=0-1,3-4", 100, Kind::whole, 0, 0},
      {"bytes=200-300,0-1", 100, Kind::whole, 0, 0},
      {"pages=0-1", 100, Kind::whole, 0, 0},
      {"bytes", 100, Kind::whole, 0, 0},
      {"bytes=", 100, Kind::whole, 0, 0},
      {"bytes=-", 100, Kind::whole, 0, 0},
      {"bytes=5", 100, Kind::whole, 0, 0},
      {"bytes=5-4", 100, Kind::whole, 0, 0},
      {"bytes=--5", 100, Kind::whole, 0, 0},
      {"bytes=+1-2", 100, Kind::whole, 0, 0},
      {"bytes=0x1-2", 100, Kind::whole, 0, 0},
  };
  for (const auto& c : cases) {
    const ByteRange range = choose_range(c.header, c.size);
    EXPECT_EQ(range.kind, c.kind) << c.header;
    EXPECT_EQ(range.first, c.first) << c.header;
    EXPECT_EQ(range.length, c.length) << c.header;
  }
}

TEST(HttpDate, IsTheStandards) {
  EXPECT_EQ(http_date_of(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date_of(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace svd::server
