#include "job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "api_error.h"
#include "checkpoint/temporary.h"
#include "job_files.h"
#include "support/message_of.h"
#include "support/test_image.h"

namespace svd::server {
namespace {

using test::message_of;
using testing::HasSubstr;

constexpr QueueLimits kNoLimits{1000, 1000};

class Store : public testing::Test {
 protected:
  std::vector<Job> create(JobStore& store, int count, const QueueLimits& limits = kNoLimits,
                          const std::string& client = "c") {
    JobSettings settings;
    settings.seed = 11;
    return store.create({std::string("pic\0ture", 8), "png"}, std::vector(static_cast<size_t>(count), settings), client,
                        limits);
  }
  std::filesystem::path path() const { return folder_ / "jobs.sqlite3"; }
  int64_t pictures() const {
    Database database(path());
    Statement count = database.prepare("SELECT count(*) FROM pictures");
    count.step();
    return count.integer(0);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Store, KeepsEverythingThatRepeatingNeeds) {
  std::string id;
  {
    JobStore store(path(), 3);
    id = create(store, 1)[0].id;
  }
  JobStore store(path(), 3);
  const auto job = store.find(id);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->state, JobState::queued);
  EXPECT_EQ(job->settings.seed, 11u);
  EXPECT_EQ(store.picture_of(id)->bytes, std::string("pic\0ture", 8));
  EXPECT_TRUE(is_job_id(id));
}

TEST_F(Store, WorksInOrderOfAcceptance) {
  JobStore store(path(), 3);
  const auto jobs = create(store, 3);
  EXPECT_EQ(store.queue_place(jobs[2]), 3);
  EXPECT_EQ(store.start_next()->id, jobs[0].id);
  EXPECT_EQ(store.queue_place(jobs[2]), 2);
  EXPECT_TRUE(store.cancel(jobs[1].id));
  EXPECT_EQ(store.start_next()->id, jobs[2].id);
  EXPECT_FALSE(store.start_next());
}

TEST_F(Store, OnlyARunningJobCanFinish) {
  JobStore store(path(), 3);
  const std::string id = create(store, 1)[0].id;
  EXPECT_FALSE(store.finish(id, JobState::done, {}, {.frames = 2}));
  store.start_next();
  EXPECT_TRUE(store.cancel(id));
  EXPECT_FALSE(store.finish(id, JobState::done, {}, {.frames = 2}));  // the cancel was first
  EXPECT_EQ(store.find(id)->state, JobState::cancelled);
  EXPECT_FALSE(store.cancel(id));
}

TEST_F(Store, RunningJobsAreQueuedAgainAfterARestart) {
  {
    JobStore store(path(), 2);
    create(store, 2);
    store.start_next();
  }
  {
    JobStore store(path(), 2);
    EXPECT_EQ(store.unfinished().size(), 2u);
    EXPECT_EQ(store.start_next()->attempts, 2);
  }
  JobStore store(path(), 2);
  const auto left = store.unfinished();
  ASSERT_EQ(left.size(), 1u);
  const auto failed = store.list(10, "", JobState::failed);
  ASSERT_EQ(failed->size(), 1u);
  EXPECT_EQ((*failed)[0].error->code, "interrupted");
}

TEST_F(Store, ARequeuedAttemptDoesNotCount) {
  JobStore store(path(), 1);
  const std::string id = create(store, 1)[0].id;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(store.start_next()->attempts, 1);
    store.requeue(id);
  }
  EXPECT_TRUE(store.find(id)->started.empty());
}

TEST_F(Store, PicturesGoWithTheLastJobThatHasThem) {
  JobStore store(path(), 3);
  const auto jobs = create(store, 2);
  const auto repeated = store.repeat(jobs[0].id, {}, "c", kNoLimits);
  for (const std::string& id : {jobs[0].id, jobs[1].id}) EXPECT_TRUE(store.remove(id));
  EXPECT_EQ(pictures(), 1);
  EXPECT_EQ(store.disk_bytes(), 8u);
  EXPECT_EQ(store.picture_of(repeated->id)->type, "png");
  EXPECT_TRUE(store.remove(repeated->id));
  EXPECT_EQ(pictures(), 0);
  EXPECT_FALSE(store.remove(repeated->id));
  EXPECT_FALSE(store.repeat(repeated->id, {}, "c", kNoLimits));
}

TEST_F(Store, LimitsAreForUnfinishedJobsAndAllOrNone) {
  JobStore store(path(), 3);
  const QueueLimits limits{5, 3};
  create(store, 3, limits, "a");
  EXPECT_THROW(create(store, 1, limits, "a"), ApiError);
  EXPECT_THROW(create(store, 3, limits, "b"), ApiError);
  EXPECT_EQ(pictures(), 1);  // nothing of what was refused stays
  create(store, 2, limits, "b");
  const std::string id = store.start_next()->id;
  store.finish(id, JobState::failed, JobError{"x", "y"}, {});
  create(store, 1, limits, "a");
}

TEST_F(Store, PagesDoNotOverlap) {
  JobStore store(path(), 3);
  const auto jobs = create(store, 7);
  const auto first = store.list(3, "", {}), second = store.list(3, first->back().id, {});
  EXPECT_EQ(first->front().id, jobs[6].id);
  EXPECT_EQ(second->front().id, jobs[3].id);
  EXPECT_FALSE(store.list(3, "unknown", {}));
}

TEST_F(Store, ManyThreadsAcceptAndStart) {
  JobStore store(path(), 3);
  std::vector<std::thread> threads;
  std::atomic<int> started = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        create(store, 1);
        if (store.start_next()) ++started;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(started, 40);
  EXPECT_EQ(store.status().counts[JobState::running], 40);
}

TEST_F(Store, SaysWhatIsWrongWithItsFile) {
  { JobStore store(path(), 3); }
  Database(path()).execute("PRAGMA user_version = 99");
  EXPECT_THAT(message_of(ErrorCode::unsupported, [&] { JobStore(path(), 3); }), HasSubstr("schema 99"));
  folder_.file("other", "this is no database, and long enough to be looked at as one");
  EXPECT_THAT(message_of(ErrorCode::bad_file, [&] { JobStore(folder_ / "other", 3); }), HasSubstr("other"));
  EXPECT_THAT(message_of(ErrorCode::bad_file, [&] { JobStore(folder_ / "no/folder", 3); }), HasSubstr("no/folder"));
}

TEST(Files, AppearWholeOrNotAtAll) {
  const test::TemporaryFolder folder;
  JobFiles files(folder.path());
  const std::string id = new_job_id(), other = new_job_id();
  const std::vector<Image> frames(3, Image{64, 64, test::test_image(64, 64, 0)});
  EXPECT_GT(files.write(id, frames, 7), 10'000u);
  files.write(id, frames, 7);  // again, as after a death between writing and saying so
  for (const char* name : {"video.mp4", "grid.png", "frames/0000.png", "frames/0002.png"}) {
    EXPECT_TRUE(files.find(id, name)) << name;
  }
  for (const char* name : {"frames/0003.png", "frames/../grid.png", "../jobs", "frames", "", "/etc/passwd",
                           "frames/a000.png", "frames/00000.png"}) {
    EXPECT_FALSE(files.find(id, name)) << name;
  }
  EXPECT_FALSE(files.find("../" + id, "grid.png"));
  std::vector<Image> broken = frames;
  broken[1].rgb.pop_back();
  EXPECT_THROW(files.write(other, broken, 7), Error);
  EXPECT_FALSE(files.find(other, "frames/0000.png"));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "unfinished"));
}

TEST(Files, OfAnotherAttemptAreFoundWhenTheyAreWhole) {
  const test::TemporaryFolder folder;
  JobFiles files(folder.path());
  const std::string id = new_job_id();
  const std::vector<Image> frames(2, Image{64, 64, test::test_image(64, 64, 0)});
  EXPECT_FALSE(files.find_result(id, 2));
  const uint64_t bytes = files.write(id, frames, 7);
  EXPECT_EQ(files.find_result(id, 2)->bytes, bytes);
  EXPECT_FALSE(files.find_result(id, 3));
  std::filesystem::remove(folder / ("jobs/" + id + "/grid.png"));
  EXPECT_FALSE(files.find_result(id, 2));
}

TEST(Files, TidyingKnowsItsOwn) {
  const test::TemporaryFolder folder;
  JobFiles files(folder.path());
  const std::vector<Image> frames(1, Image{64, 64, test::test_image(64, 64, 0)});
  const std::string known = new_job_id(), begun = new_job_id(), unknown = new_job_id(), leaving = new_job_id();
  for (const std::string& id : {known, unknown, leaving}) files.write(id, frames, 7);
  std::filesystem::create_directories(folder / ("unfinished/" + begun + "/frames"));
  folder.file("unfinished/" + begun + "/frames/.0000.17-1.part.png", "half");
  folder.file("unfinished/notes.txt", "mine");
  folder.file("jobs/film.mp4", "mine");
  files.begin_removal(known);    // a death before the store let it go: it comes back
  files.begin_removal(leaving);  // and one after that: it goes
  const TidyResult found = files.tidy([&](const std::string& id) { return id == known || id == begun; });
  EXPECT_THAT(found.removed,
              testing::UnorderedElementsAre(folder / ("unfinished/" + begun), folder / ("removed/" + leaving)));
  EXPECT_THAT(found.strange, testing::UnorderedElementsAre(folder / "unfinished/notes.txt", folder / "jobs/film.mp4",
                                                           folder / ("jobs/" + unknown)));
  EXPECT_TRUE(files.find(known, "video.mp4"));
  EXPECT_TRUE(files.find(unknown, "video.mp4"));
  EXPECT_FALSE(std::filesystem::exists(folder / ("removed/" + leaving)));
}

TEST_F(Store, TheNewestVideoIsNotRemovableWhateverTheClockSays) {
  JobStore store(path(), 3);
  std::vector<std::string> ids;
  for (const Job& job : create(store, 3)) ids.push_back(job.id);
  for (int i = 0; i < 2; ++i) store.finish(store.start_next()->id, JobState::done, {}, {.frames = 2});
  Database(path()).execute("UPDATE jobs SET finished = '2099-01-01T00:00:00.000Z' WHERE id = '" + ids[0] + "'");
  EXPECT_TRUE(store.cancel(ids[2]));
  EXPECT_EQ(store.ended_count(), 3);
  EXPECT_THAT(store.removable_ids(), testing::ElementsAre(ids[0]));
  EXPECT_THAT(store.removable_before("2098-01-01T00:00:00.000Z"), testing::IsEmpty());
}

TEST_F(Store, ItsStatusComesAtOnceWhileSomebodyElseHasTheDatabase) {
  JobStore store(path(), 3);
  create(store, 2);
  EXPECT_EQ(store.status().counts[JobState::queued], 2);
  Database other(path());
  const Transaction transaction(other);
  std::thread waiting([&] { EXPECT_THROW(create(store, 1), DatabaseError); });
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(store.status().counts[JobState::queued], 2);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(1));
  waiting.join();
}

TEST(Grid, FourInARowTheRestBlack) {
  std::vector<Image> frames;
  for (uint8_t i = 1; i <= 5; ++i) frames.push_back({2, 1, std::vector<uint8_t>(6, i)});
  const Image grid = grid_of(frames);
  EXPECT_EQ(grid.width, 8);
  EXPECT_EQ(grid.height, 2);
  EXPECT_EQ(grid.rgb[0], 1);
  EXPECT_EQ(grid.rgb[23], 4);
  EXPECT_EQ(grid.rgb[24], 5);
  EXPECT_EQ(grid.rgb[47], 0);
  EXPECT_EQ(grid_of(std::span(frames).first(2)).width, 4);
}

TEST(JobId, IsCheckedByItsForm) {
  EXPECT_NE(new_job_id(), new_job_id());
  EXPECT_FALSE(is_job_id(""));
  EXPECT_FALSE(is_job_id(std::string(31, 'a')));
  EXPECT_FALSE(is_job_id(std::string(31, 'a') + "/"));
  EXPECT_FALSE(is_job_id(std::string(32, 'A')));
}

}  // namespace
}  // namespace svd::server
