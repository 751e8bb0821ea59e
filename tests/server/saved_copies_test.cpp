// "Save locally": both files or neither, whatever ends the program.
#include "saved_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <iterator>
#include <set>

#include "checkpoint/temporary.h"
#include "job.h"

namespace svd::server {
namespace {

namespace fs = std::filesystem;

class Saving : public testing::Test {
 protected:
  void SetUp() override {
    folder_.file("video.mp4", "the video");
    folder_.file("grid.png", "the grid");
  }
  SavedCopies copies() const { return {folder_ / "out", folder_ / "saving"}; }
  std::vector<std::string> save(const std::string& job) const {
    return copies().save(job, folder_ / "out/a", folder_ / "video.mp4", folder_ / "grid.png");
  }
  std::set<std::string> names(const std::string& where) const {
    std::set<std::string> names;
    if (!fs::exists(folder_ / where)) return names;
    for (const auto& entry : fs::directory_iterator(folder_ / where)) names.insert(entry.path().filename().string());
    return names;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Saving, NumbersFollowTheHighestAndReplaceNothing) {
  fs::create_directories(folder_ / "out/a");
  folder_.file("out/a/000004.jpg", "somebody's");
  folder_.file("out/a/.hidden", "somebody's");
  const std::string first = new_job_id(), second = new_job_id();
  EXPECT_THAT(save(first), testing::ElementsAre(folder_ / "out/a/000005.mp4", folder_ / "out/a/000005.png"));
  EXPECT_EQ(save(first)[0], folder_ / "out/a/000005.mp4");  // the same answer until it is settled
  EXPECT_EQ(save(second)[0], folder_ / "out/a/000006.mp4");
  copies().settle(first);
  copies().settle(second);
  EXPECT_THAT(names("saving"), testing::IsEmpty());
  EXPECT_THAT(names("out/a"),
              testing::ElementsAre(".hidden", "000004.jpg", "000005.mp4", "000005.png", "000006.mp4", "000006.png"));
  EXPECT_EQ(test::content_of(folder_ / "out/a/000006.png"), "the grid");
}

TEST_F(Saving, LeavesNothingWhenItFails) {
  fs::remove(folder_ / "grid.png");
  EXPECT_ANY_THROW(save(new_job_id()));
  EXPECT_THAT(names("out/a"), testing::IsEmpty());
  EXPECT_THAT(names("saving"), testing::IsEmpty());
}

// Runs `work` in a child that is killed before its system call number `count`; whether it was still working then.
template <typename Work>
bool kill_before_call(int count, const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  for (int stops = 0; stops < 2 * count && !WIFEXITED(status); ++stops) {  // before and after each call
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  if (WIFEXITED(status)) return false;
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return true;
}

// As on a file system without hard links.
void forbid_links() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_link, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {.len = static_cast<unsigned short>(std::size(filter)), .filter = filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    ::_exit(1);
  }
}

class SavingKilled : public Saving, public testing::WithParamInterface<bool> {};

TEST_P(SavingKilled, AnywhereIsAsIfItHadNotBegunOrHadEnded) {
  const bool has_links = GetParam();
  int count = 1;
  for (;; ++count) {
    const std::string job = new_job_id();
    const bool killed = kill_before_call(count, [&] {
      if (!has_links) forbid_links();
      save(job);
    });
    copies().recover([&](const std::string& id) { return id == job; });
    const auto after = names("out/a");
    const auto nothing = testing::IsEmpty();
    const auto pair = testing::ElementsAre("000000.mp4", "000000.png");
    EXPECT_THAT(after, testing::AnyOf(nothing, pair)) << "killed before call " << count;
    if (!killed) {
      EXPECT_THAT(after, pair);
    }
    EXPECT_EQ(save(job)[0], folder_ / "out/a/000000.mp4") << "killed before call " << count;
    EXPECT_THAT(names("out/a"), pair);
    EXPECT_EQ(test::content_of(folder_ / "out/a/000000.mp4"), "the video");
    copies().settle(job);
    EXPECT_THAT(names("saving"), nothing);
    fs::remove_all(folder_ / "out/a");
    if (!killed || testing::Test::HasFailure()) break;
  }
  EXPECT_GT(count, 20);
}

INSTANTIATE_TEST_SUITE_P(, SavingKilled, testing::Bool(),
                         [](const auto& info) { return info.param ? "WithHardLinks" : "WithoutHardLinks"; });

TEST_F(Saving, WhatWasKilledWithItsJobIsForgotten) {
  int count = 1;
  while (kill_before_call(count++, [&] { save(new_job_id()); })) {
    copies().recover([](const std::string&) { return false; });  // the job is gone
    EXPECT_THAT(names("saving"), testing::IsEmpty());
    EXPECT_THAT(names("out/a"), testing::AnyOf(testing::IsEmpty(), testing::ElementsAre("000000.mp4", "000000.png")));
    fs::remove_all(folder_ / "out/a");
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace svd::server
