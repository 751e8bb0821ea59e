#include "session_cookie.h"

#include <gtest/gtest.h>

namespace svd::server {
namespace {

using std::chrono::hours;

constexpr const char* kToken = "0123456789abcdef";

std::string pair_of(const std::string& set_cookie) { return set_cookie.substr(0, set_cookie.find(';')); }

TEST(SessionCookie, LivesForAMonthAndOutlivesARestart) {
  const auto now = std::chrono::system_clock::now();
  const std::string pair = pair_of(SessionCookie(kToken).make(now));
  const SessionCookie restarted(kToken);
  EXPECT_TRUE(restarted.accepts("a=b; " + pair + "; c=d", now));
  EXPECT_TRUE(restarted.accepts(pair, now + hours(29 * 24)));
  EXPECT_FALSE(restarted.accepts(pair, now + hours(31 * 24)));
  EXPECT_TRUE(restarted.accepts(pair, now - hours(24)));  // the clock was set back
}

TEST(SessionCookie, OfAnotherTokenIsNoGoodAndDoesNotReplaceThis) {
  const auto now = std::chrono::system_clock::now();
  const SessionCookie one(kToken), other("fedcba9876543210");
  const std::string pair = pair_of(one.make(now)), others = pair_of(other.make(now));
  EXPECT_NE(pair.substr(0, pair.find('=')), others.substr(0, others.find('=')));
  EXPECT_FALSE(other.accepts(pair, now));
  EXPECT_TRUE(one.accepts(others + "; " + pair, now));
  const std::string renamed = others.substr(0, others.find('=')) + pair.substr(pair.find('='));
  EXPECT_FALSE(other.accepts(renamed, now));
}

TEST(SessionCookie, CannotBeChanged) {
  const auto now = std::chrono::system_clock::now();
  const SessionCookie sessions(kToken);
  const std::string pair = pair_of(sessions.make(now));
  for (size_t i = 0; i < pair.size(); ++i) {
    std::string changed = pair;
    changed[i] = changed[i] == '9' ? '8' : '9';
    EXPECT_FALSE(sessions.accepts(changed, now)) << i;
    EXPECT_FALSE(sessions.accepts(pair.substr(0, i), now)) << i;
  }
  EXPECT_FALSE(sessions.accepts(pair + "0", now));
}

}  // namespace
}  // namespace svd::server
