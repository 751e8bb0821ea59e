#include "saved_copies.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "api_error.h"
#include "base/atomic_file.h"
#include "base/fail.h"
#include "durable_folder.h"
#include "job.h"

namespace svd::server {

namespace fs = std::filesystem;

namespace {

using nlohmann::json;

// One more than the highest number there, so that none is used again after its files were moved elsewhere.
size_t next_number(const fs::path& folder) {
  size_t next = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string();
    const bool is_number =
        stem.size() == 6 && std::ranges::all_of(stem, [](unsigned char c) { return std::isdigit(c) != 0; });
    if (is_number) next = std::max(next, std::stoul(stem) + 1);
  }
  return next;
}

[[noreturn]] void fail_to_write(const fs::path& path, int error) {
  fail(ErrorCode::bad_file, "{}: cannot be written: {}", path.string(), std::strerror(error));
}

void copy_flushed(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) fail(ErrorCode::bad_file, "{}: cannot be copied to {}: {}", from.string(), to.string(), error.message());
  const int descriptor = ::open(to.c_str(), O_RDONLY | O_CLOEXEC);
  const bool flushed = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int flush_error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!flushed) fail_to_write(to, flush_error);
}

bool has_hard_links(const fs::path& file) {
  const fs::path link = file.string() + ".link";
  std::error_code ignored;
  fs::remove(link, ignored);
  const bool linked = ::link(file.c_str(), link.c_str()) == 0;
  fs::remove(link, ignored);
  return linked;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return is_there(a) && is_there(b) && fs::equivalent(a, b, error) && !error;
}

}  // namespace

SavedCopies::SavedCopies(fs::path root, fs::path journals) : root_(std::move(root)), journals_(std::move(journals)) {
  make_folder(journals_);
}

std::string SavedCopies::default_path(std::string_view version) const {
  return (root_ / "demo/vid" / version / "samples/").string();
}

void SavedCopies::check(const std::string& path) const {
  const auto reject = [&](const std::string& why) {
    throw ApiError(400, "bad_setting", fmt::format("save_path: {}", why), "save_path");
  };
  if (!allowed()) reject("this server saves no copies (--no_save_locally)");
  if (path.empty() || path.size() > 500) reject("expected a folder");
  if (std::ranges::any_of(path, [](unsigned char c) { return std::iscntrl(c) || c == '\\'; })) {
    reject("a character that folders here may not have");
  }
  const fs::path folder = path;
  const bool climbs = std::ranges::find(folder, fs::path("..")) != folder.end();
  std::error_code error;
  const fs::path root = fs::weakly_canonical(fs::absolute(root_), error);
  const fs::path target = fs::weakly_canonical(fs::absolute(folder), error);  // links followed
  const auto [mismatch, rest] = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
  if (climbs || error || mismatch != root.end()) {
    reject(
        fmt::format("expected a folder below {}, as in {}, found {}", root_.string(), (root_ / "demo").string(), path));
  }
}

std::vector<std::string> SavedCopies::save(const std::string& job, const std::string& path, const fs::path& video,
                                           const fs::path& grid) const {
  check(path);
  const fs::path folder = path;
  const auto names = [&](size_t number) {
    return std::vector<std::string>{(folder / fmt::format("{:06}.mp4", number)).string(),
                                    (folder / fmt::format("{:06}.png", number)).string()};
  };
  if (const auto earlier = read_journal(job); earlier && earlier->placed) return names(earlier->number);
  make_folder(folder);
  const fs::path target = fs::absolute(folder);
  Journal journal{.folder = target, .number = next_number(target), .by_rename = false, .placed = false};
  write_journal(job, journal);
  try {
    const auto copies = copies_of(job, journal);
    copy_flushed(video, copies[0].part);
    copy_flushed(grid, copies[1].part);
    if (!has_hard_links(copies[0].part)) {
      journal.by_rename = true;
      write_journal(job, journal);
    }
    while (!place(job, journal)) {  // somebody else took the number
      take_back(job, journal);
      ++journal.number;
      write_journal(job, journal);
    }
    flush_folder(target);
    journal.placed = true;
    write_journal(job, journal);
  } catch (...) {
    undo(job, journal);
    throw;
  }
  remove_parts(job, journal);
  return names(journal.number);
}

void SavedCopies::settle(const std::string& job) const {
  std::error_code ignored;
  fs::remove(journal_path(job), ignored);
}

void SavedCopies::recover(const std::function<bool(const std::string&)>& is_unfinished) const {
  std::vector<std::string> jobs;
  for (const auto& entry : fs::directory_iterator(journals_)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".json") && is_job_id(entry.path().stem().string())) jobs.push_back(entry.path().stem());
    // What AtomicFile calls a journal until it is complete.
    std::error_code ignored;
    if (name.starts_with('.') && is_job_id(name.substr(1, 32)) && name.ends_with(".part.json")) {
      fs::remove(entry.path(), ignored);
    }
  }
  for (const std::string& job : jobs) {
    const auto journal = read_journal(job);
    if (!journal) continue;                    // not ours: ours are whole
    if (!is_there(journal->folder)) continue;  // on a disk that is not mounted now
    if (!journal->placed) {
      undo(job, *journal);
    } else {
      remove_parts(job, *journal);
      if (!is_unfinished(job)) settle(job);
    }
  }
}

void SavedCopies::undo(const std::string& job, const Journal& journal) const {
  take_back(job, journal);
  // By rename, a part that is not there is taken for one that has become its target: the journal goes first.
  if (journal.by_rename) settle(job);
  remove_parts(job, journal);
  settle(job);
}

std::vector<SavedCopies::Copy> SavedCopies::copies_of(const std::string& job, const Journal& journal) {
  std::vector<Copy> copies;
  for (const char* extension : {".mp4", ".png"}) {
    copies.push_back({journal.folder / fmt::format(".svd-{}{}.part", job, extension),
                      journal.folder / fmt::format("{:06}{}", journal.number, extension)});
  }
  return copies;
}

// False when the number is taken. Neither call replaces a file that is there.
bool SavedCopies::place(const std::string& job, const Journal& journal) {
  for (const auto& [part, target] : copies_of(job, journal)) {
    const int result = journal.by_rename
                           ? ::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE)
                           : ::link(part.c_str(), target.c_str());
    if (result != 0 && errno == EEXIST) return false;
    if (result != 0) fail_to_write(target, errno);
  }
  return true;
}

// A target is ours when it is the same file as its part, or when its part has become it.
void SavedCopies::take_back(const std::string& job, const Journal& journal) {
  std::error_code ignored;
  for (const auto& [part, target] : copies_of(job, journal)) {
    if (is_same_file(part, target)) fs::remove(target, ignored);
    if (journal.by_rename && !is_there(part) && is_there(target)) fs::rename(target, part, ignored);
  }
}

void SavedCopies::remove_parts(const std::string& job, const Journal& journal) {
  std::error_code ignored;
  for (const auto& copy : copies_of(job, journal)) {
    fs::remove(copy.part, ignored);
    fs::remove(copy.part.string() + ".link", ignored);
  }
}

std::optional<SavedCopies::Journal> SavedCopies::read_journal(const std::string& job) const {
  std::ifstream stream(journal_path(job));
  const json value = json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return std::nullopt;
  try {
    return Journal{.folder = value.at("folder").get<std::string>(),
                   .number = value.at("number").get<size_t>(),
                   .by_rename = value.at("by_rename").get<bool>(),
                   .placed = value.at("placed").get<bool>()};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

void SavedCopies::write_journal(const std::string& job, const Journal& journal) const {
  const json value = {{"folder", journal.folder.string()},
                      {"number", journal.number},
                      {"by_rename", journal.by_rename},
                      {"placed", journal.placed}};
  AtomicFile file(journal_path(job));
  std::ofstream stream(file.temporary(), std::ios::binary);
  stream << value.dump();
  stream.close();
  if (!stream) fail_to_write(file.final_path(), errno);
  file.commit();
  flush_folder(journals_);
}

}  // namespace svd::server
