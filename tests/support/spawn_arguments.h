// Words as posix_spawn() takes them.
#pragma once

#include <string>
#include <vector>

namespace svd::test {

// Points into `texts`, with a null pointer at the end.
inline std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace svd::test
