#include "support/bf16_error.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/golden.h"

namespace svd::test {

double pytorch_bf16_error(const std::string& call, const std::string& tensor) {
  std::ifstream file(golden_path("bf16_error.json"));
  const nlohmann::json errors = nlohmann::json::parse(file).at(call);
  if (errors.contains(tensor)) return errors.at(tensor);
  double largest = 0;
  for (const auto& [name, error] : errors.items()) {
    if (!name.ends_with("_db")) largest = std::max(largest, error.get<double>());
  }
  return largest;
}

}  // namespace svd::test
