// SHA-256 is OpenSSL's: the program's HTTP library brings libcrypto in any case, and it uses the CPU's instructions for
// it.
#include "checkpoint_verify.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "checkpoint/safetensors_header.h"

namespace svd::cli {
namespace {

constexpr size_t kPiece = size_t{4} << 20;  // between two looks at the progress

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    ensure(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1, "SHA-256 is not there");
  }
  void add(std::span<const std::byte> bytes) {
    ensure(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1, "SHA-256 failed");
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    ensure(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1, "SHA-256 failed");
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// Goes through the file from its beginning to its end, once: what was hashed is in the page cache when it is scanned.
class Verifier {
 public:
  Verifier(const std::filesystem::path& path, const std::function<bool(double)>& progress)
      : file_(path), header_(parse_safetensors(file_.bytes(), path.string())), progress_(progress) {}

  Verification run() {
    std::vector<const Tensor*> order;
    for (const Tensor& tensor : header_.tensors) order.push_back(&tensor);
    std::ranges::sort(order, {}, [](const Tensor* t) { return std::pair(t->second.begin, t->second.end); });
    for (const Tensor* tensor : order) {
      hash_to(tensor->second.end);
      look_at(*tensor);
      file_.release(tensor->second.begin, tensor->second.end - tensor->second.begin);
    }
    hash_to(file_.bytes().size());
    result_.sha256 = hash_.hex();
    return std::move(result_);
  }

 private:
  using Tensor = std::pair<const std::string, SafetensorsEntry>;

  void hash_to(uint64_t end) {
    while (hashed_ < end) {
      const size_t size = std::min<size_t>(kPiece, end - hashed_);
      hash_.add(file_.bytes().subspan(hashed_, size));
      hashed_ += size;
      if (!progress_(static_cast<double>(hashed_) / static_cast<double>(file_.bytes().size()))) {
        fail(ErrorCode::cancelled, "stopped");
      }
    }
  }

  void look_at(const Tensor& tensor) {
    const auto& [name, entry] = tensor;
    const std::optional<DType> type = dtype_of_safetensors(entry.type);
    if (!type) return;  // integers and other types: any value may be right
    const auto bytes = file_.bytes().subspan(entry.begin, entry.end - entry.begin);
    const WeightDefect defect = find_defect(name, {.shape = entry.shape, .type = *type}, bytes);
    if (defect) result_.damage.push_back({name, entry.begin + defect.first * size_of(*type), defect});
  }

  MappedFile file_;
  SafetensorsHeader header_;
  const std::function<bool(double)>& progress_;
  Sha256 hash_;
  uint64_t hashed_ = 0;  // bytes from the beginning
  Verification result_;
};

}  // namespace

Verification verify_checkpoint(const std::filesystem::path& path, const std::function<bool(double)>& progress) {
  return Verifier(path, progress).run();
}

}  // namespace svd::cli
