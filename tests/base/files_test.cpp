#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "checkpoint/temporary.h"
#include "svd/error.h"

namespace svd {
namespace {

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(AtomicFile, AppearsWhenCommitted) {
  const test::TemporaryFolder folder;
  const auto path = folder / "new/folder/out.mp4";
  {
    AtomicFile file(path);
    EXPECT_EQ(file.final_path(), path);
    EXPECT_EQ(file.temporary().extension(), ".mp4");
    EXPECT_EQ(file.temporary().parent_path(), path.parent_path());
    std::ofstream(file.temporary()) << "content";
    EXPECT_FALSE(std::filesystem::exists(path));
    file.commit();
  }
  EXPECT_EQ(test::content_of(path), "content");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const test::TemporaryFolder folder;
  const auto path = folder.file("out.txt", "old");
  try {
    const AtomicFile file(path);
    std::ofstream(file.temporary()) << "half";
    throw Error(ErrorCode::cancelled, "stop");
  } catch (const Error&) {
  }
  EXPECT_EQ(test::content_of(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(AtomicFile, ReplacesAnOlderFile) {
  const test::TemporaryFolder folder;
  const auto path = folder.file("out.txt", "old");
  AtomicFile a(path), b(path);
  EXPECT_NE(a.temporary(), b.temporary());
  std::ofstream(a.temporary()) << "new";
  a.commit();
  EXPECT_EQ(test::content_of(path), "new");
}

TEST(AtomicFile, FailsWithItsName) {
  const test::TemporaryFolder folder;
  folder.file("file", "");
  EXPECT_THROW(AtomicFile(folder / "file/below.txt"), Error);
  AtomicFile never_written(folder / "a.txt");
  EXPECT_THROW(never_written.commit(), Error);
  AtomicFile onto_folder(folder / "folder.txt");
  std::filesystem::create_directories(folder / "folder.txt/child");  // made meanwhile: only the renaming can tell
  EXPECT_THROW(AtomicFile(folder / "folder.txt"), Error);
  EXPECT_THROW(AtomicFile(folder / "none/"), Error);
  std::ofstream(onto_folder.temporary()) << "x";
  try {
    onto_folder.commit();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_file);
    EXPECT_THAT(error.what(), testing::HasSubstr("folder.txt"));
  }
}

TEST(MappedFile, ReadsAndMoves) {
  const test::TemporaryFolder folder;
  MappedFile file(folder.file("a", std::string(10000, 'a')));
  MappedFile other(folder.file("b", "bb"));
  EXPECT_EQ(text_of(file), std::string(10000, 'a'));
  file.release(0, 10000);
  file.release(9999, 1'000'000);  // past the end: no more than the file
  EXPECT_EQ(text_of(file), std::string(10000, 'a'));
  MappedFile moved = std::move(file);
  EXPECT_EQ(moved.bytes().size(), 10000u);
  EXPECT_TRUE(file.bytes().empty());
  moved = std::move(other);
  EXPECT_EQ(text_of(moved), "bb");
  EXPECT_TRUE(MappedFile(folder.file("empty", "")).bytes().empty());
}

TEST(MappedFile, FailsWithItsName) {
  const test::TemporaryFolder folder;
  EXPECT_THROW(MappedFile(folder / "none"), Error);
  EXPECT_THROW(MappedFile(folder.path()), Error);
  EXPECT_THROW(MappedFile("/dev/null"), Error);
}

}  // namespace
}  // namespace svd
