// Devices and precisions by their names.
#include <charconv>

#include "base/translate.h"
#include "svd/options.h"

namespace svd {
namespace {

struct NamedKind {
  std::string_view name;
  DeviceKind kind;
};
constexpr NamedKind kKinds[] = {{"auto", DeviceKind::automatic},
                                {"cpu", DeviceKind::cpu},
                                {"cuda", DeviceKind::cuda},
                                {"reference", DeviceKind::reference}};

}  // namespace

std::string name_of(const Device& device) {
  for (const NamedKind& named : kKinds) {
    if (named.kind != device.kind) continue;
    return translated(
        [&] { return device.index == 0 ? std::string(named.name) : fmt::format("{}:{}", named.name, device.index); });
  }
  fail(ErrorCode::invalid_argument, "device: there is none with the number {}", static_cast<int>(device.kind));
}

std::optional<Device> device_named(std::string_view name) {
  const size_t colon = name.find(':');
  int index = 0;
  if (colon != std::string_view::npos) {
    const std::string_view digits = name.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error != std::errc() || end != digits.data() + digits.size() || index < 0) return std::nullopt;
  }
  for (const NamedKind& named : kKinds) {
    if (named.name == name.substr(0, colon)) return Device(named.kind, index);
  }
  return std::nullopt;
}

std::string_view name_of(Precision precision) {
  switch (precision) {
    case Precision::automatic: return "auto";
    case Precision::f32: return "f32";
    case Precision::bf16: return "bf16";
  }
  fail(ErrorCode::invalid_argument, "precision: there is none with the number {}", static_cast<int>(precision));
}

}  // namespace svd
