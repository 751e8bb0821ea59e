#include <svd/version.h>

#include <cstdio>
#include <string>

int main() {
  const std::string numbers = std::to_string(SVD_VERSION_MAJOR) + "." + std::to_string(SVD_VERSION_MINOR) + "." +
                              std::to_string(SVD_VERSION_PATCH);
  std::printf("header %s, %s; library %s; package %s; built with %s\n", SVD_VERSION_STRING, numbers.c_str(),
              std::string(svd::version()).c_str(), PACKAGE_VERSION, std::string(svd::build_info()).c_str());
  const bool same = numbers == SVD_VERSION_STRING && svd::version() == numbers && numbers == PACKAGE_VERSION;
  return same && !svd::build_info().empty() ? 0 : 1;
}
