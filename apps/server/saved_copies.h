// "Save locally": a copy of a job's video and grid where the page's user wants them, as NNNNNN.mp4 and NNNNNN.png.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace svd::server {

// Both files appear whole, under a number that nobody else has, or neither stays, whatever ends the program: what is
// about to appear is noted in a journal first, which the next start reads. Files of others are never replaced.
// For one thread at a time, except allowed(), default_path() and check().
class SavedCopies {
 public:
  // Below `root`, which may be empty: then nothing is ever saved. The journals are in a folder of the server's.
  SavedCopies(std::filesystem::path root, std::filesystem::path journals);

  bool allowed() const { return !root_.empty(); }
  // Where they go when the client names no folder: "outputs/demo/vid/svd/samples/", with the root for outputs.
  std::string default_path(std::string_view version) const;
  // Throws ApiError 400 unless `path` stays below the root, links followed.
  void check(const std::string& path) const;

  // The paths written, or those that an interrupted call for the same job had written. Throws as check() and
  // Error(bad_file); then nothing of it stays.
  std::vector<std::string> save(const std::string& job, const std::string& path, const std::filesystem::path& video,
                                const std::filesystem::path& grid) const;
  // The store knows of the job's copies, or of its end: save() need not be able to repeat its answer.
  void settle(const std::string& job) const;

  // At the start: takes back copies that were interrupted, and settles jobs that will not be worked on again.
  void recover(const std::function<bool(const std::string&)>& is_unfinished) const;

 private:
  struct Journal {
    std::filesystem::path folder;  // absolute
    size_t number;
    bool by_rename;  // on file systems without hard links
    bool placed;     // both files are there
  };
  // One of the two files, under the name that nobody looks at, and where it belongs.
  struct Copy {
    std::filesystem::path part, target;
  };
  static std::vector<Copy> copies_of(const std::string& job, const Journal& journal);
  static bool place(const std::string& job, const Journal& journal);
  static void take_back(const std::string& job, const Journal& journal);
  static void remove_parts(const std::string& job, const Journal& journal);
  void undo(const std::string& job, const Journal& journal) const;
  std::filesystem::path journal_path(const std::string& job) const { return journals_ / (job + ".json"); }
  std::optional<Journal> read_journal(const std::string& job) const;
  void write_journal(const std::string& job, const Journal& journal) const;

  std::filesystem::path root_, journals_;
};

}  // namespace svd::server
