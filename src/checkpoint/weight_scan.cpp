#include "checkpoint/weight_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/fail.h"

namespace svd {
namespace {

constexpr size_t kBlockBytes = 256;
constexpr uint64_t kSmallestMatrix = 16;       // elements
constexpr uint64_t kSmallestHole = 4096;       // bytes: a page of memory, a block of a disk
constexpr uint64_t kLeastShareOfDeadRows = 4;  // a quarter of the rows

// A number format without its sign: as integers its values keep their order, and from infinity on nothing is finite.
// Signed, because that is what vector instructions of every age compare.
template <typename Word>
struct Format {
  Word magnitude;  // all bits but the sign
  Word infinity;
};

// The longest run of zeros, told of whole blocks and then measured to the element.
template <typename Word>
class ZeroRuns {
 public:
  ZeroRuns(std::span<const std::byte> bytes, Word magnitude) : bytes_(bytes), magnitude_(magnitude) {}

  void add(size_t begin, size_t end, bool zero) {  // the next block, in elements
    if (zero) {
      if (!open_) begin_ = begin;
      open_ = true;
      end_ = end;
    } else {
      close();
    }
  }

  void close() {
    if (!open_) return;
    open_ = false;
    while (begin_ > 0 && is_zero(begin_ - 1)) --begin_;
    while (end_ < bytes_.size() / sizeof(Word) && is_zero(end_)) ++end_;
    if (end_ - begin_ > longest_) longest_ = end_ - begin_, longest_begin_ = begin_;
  }

  size_t longest() const { return longest_; }
  size_t longest_begin() const { return longest_begin_; }

 private:
  bool is_zero(size_t index) const {
    Word value;
    std::memcpy(&value, bytes_.data() + index * sizeof(Word), sizeof(Word));
    return (value & magnitude_) == 0;
  }

  std::span<const std::byte> bytes_;
  Word magnitude_;
  bool open_ = false;
  size_t begin_ = 0, end_ = 0, longest_ = 0, longest_begin_ = 0;
};

// The rare case: something in these words is not finite.
template <typename Word>
void count_not_finite(std::span<const Word> words, size_t at, Format<Word> format, WeightScan& scan) {
  for (size_t i = 0; i < words.size(); ++i) {
    const Word magnitude = words[i] & format.magnitude;
    if (magnitude < format.infinity) continue;
    if (scan.not_a_number + scan.infinite == 0) scan.first_not_finite = at + i;
    ++(magnitude == format.infinity ? scan.infinite : scan.not_a_number);
  }
}

template <typename Word>
WeightScan scan_words(std::span<const std::byte> bytes, Format<Word> format) {
  constexpr size_t kWords = kBlockBytes / sizeof(Word);
  WeightScan scan{.elements = bytes.size() / sizeof(Word)};
  ZeroRuns<Word> runs(bytes, format.magnitude);
  Word largest = 0;
  for (size_t at = 0; at < scan.elements; at += kWords) {
    std::array<Word, kWords> block{};  // behind the end: zeros, which change nothing that is looked at here
    const size_t count = std::min<size_t>(kWords, scan.elements - at);
    std::memcpy(block.data(), bytes.data() + at * sizeof(Word), count * sizeof(Word));
    Word largest_here = 0;
    for (const Word word : block) {  // a reduction that compilers turn into vector instructions
      largest_here = std::max(largest_here, static_cast<Word>(word & format.magnitude));
    }
    largest = std::max(largest, largest_here);
    runs.add(at, at + count, largest_here == 0);
    if (largest_here >= format.infinity) count_not_finite<Word>({block.data(), count}, at, format, scan);
  }
  runs.close();
  scan.all_zero = scan.elements > 0 && largest == 0;
  scan.zeros = runs.longest();
  scan.zeros_begin = runs.longest_begin();
  return scan;
}

// Channels that died: whole rows, and not many.
bool is_dead_rows(const WeightScan& scan, uint64_t row) {
  return scan.zeros_begin % row == 0 && scan.zeros % row == 0 && scan.zeros * kLeastShareOfDeadRows <= scan.elements;
}

bool is_scale_of_norm(std::string_view name, const Shape& shape) {
  return shape.rank() == 1 && shape.numel() >= static_cast<int64_t>(kSmallestMatrix) && name.ends_with(".weight");
}

}  // namespace

WeightScan scan_weights(std::span<const std::byte> bytes, DType type) {
  switch (type) {
    case DType::f32: return scan_words<int32_t>(bytes, {.magnitude = 0x7FFFFFFF, .infinity = 0x7F800000});
    case DType::f16: return scan_words<int16_t>(bytes, {.magnitude = 0x7FFF, .infinity = 0x7C00});
    case DType::bf16: return scan_words<int16_t>(bytes, {.magnitude = 0x7FFF, .infinity = 0x7F80});
    case DType::u8: return {.elements = bytes.size()};
  }
  fail(ErrorCode::internal, "unknown element type {}", static_cast<int>(type));
}

WeightDefect find_defect(std::string_view name, const TensorInfo& info, std::span<const std::byte> bytes) {
  using Kind = WeightDefect::Kind;
  const WeightScan scan = scan_weights(bytes, info.type);
  const auto defect = [&](Kind kind, uint64_t first, uint64_t count) {
    return WeightDefect{.kind = kind, .first = first, .count = count, .elements = scan.elements};
  };
  if (scan.not_a_number > 0) return defect(Kind::not_a_number, scan.first_not_finite, scan.not_a_number);
  if (scan.infinite > 0) return defect(Kind::infinite, scan.first_not_finite, scan.infinite);
  const bool matrix = info.shape.rank() >= 2 && scan.elements >= kSmallestMatrix;
  if (scan.all_zero && (matrix || is_scale_of_norm(name, info.shape))) return defect(Kind::all_zero, 0, scan.elements);
  if (!matrix || scan.zeros * size_of(info.type) < kSmallestHole) return {};
  const uint64_t row = scan.elements / static_cast<uint64_t>(info.shape[0]);
  return is_dead_rows(scan, row) ? WeightDefect{} : defect(Kind::zero_block, scan.zeros_begin, scan.zeros);
}

std::string describe(const WeightDefect& defect) {
  switch (defect.kind) {
    case WeightDefect::Kind::none: return "no defect";
    case WeightDefect::Kind::not_a_number:
    case WeightDefect::Kind::infinite:
      return fmt::format("{} of {} values are {}, the first is value {}", defect.count, defect.elements,
                         defect.kind == WeightDefect::Kind::infinite ? "infinite" : "NaN", defect.first);
    case WeightDefect::Kind::all_zero: return fmt::format("all {} values are zero", defect.elements);
    case WeightDefect::Kind::zero_block:
      return fmt::format(
          "{} of {} values ({:.1f}%) are zero in one piece, from value {} on", defect.count, defect.elements,
          100.0 * static_cast<double>(defect.count) / static_cast<double>(defect.elements), defect.first);
  }
  fail(ErrorCode::internal, "unknown defect {}", static_cast<int>(defect.kind));
}

std::string_view cause_of(const WeightDefect& defect) {
  switch (defect.kind) {
    case WeightDefect::Kind::none: return "nothing is wrong";
    case WeightDefect::Kind::not_a_number:
    case WeightDefect::Kind::infinite:
      return "the file is damaged, or was made from weights that had overflowed; download it again";
    case WeightDefect::Kind::all_zero:
    case WeightDefect::Kind::zero_block:
      return "parts of the file were never written, as after an interrupted download into a file of full size, or were "
             "lost on the disk; download it again";
  }
  fail(ErrorCode::internal, "unknown defect {}", static_cast<int>(defect.kind));
}

}  // namespace svd
