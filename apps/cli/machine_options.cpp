#include "machine_options.h"

#include <string>

#include "option_types.h"

namespace svd::cli {

CLI::Option* add_device(CLI::App& app, Device& target) {
  CLI::Option* option = app.add_option_function<std::string>(
      "--device",
      [&target](const std::string& text) {
        const auto device = device_named(lower_case(text));
        if (!device) {
          reject_option("--device", "one of auto, cpu, cuda, reference, or cuda:1 for the second GPU", text);
        }
        target = *device;
      },
      "auto (the best there is), cpu, cuda (cuda:1 is the second GPU) or reference\n"
      "(plain loops, for checking)");
  option->default_function([&target] { return name_of(target); });
  return option->type_name("NAME")->capture_default_str();
}

CLI::Option* add_precision(CLI::App& app, Precision& target) {
  Choices<Precision> precisions;
  for (const Precision precision : {Precision::automatic, Precision::f32, Precision::bf16}) {
    precisions.emplace_back(name_of(precision), precision);
  }
  return add_choice(app, "--precision", target, precisions, "auto (bf16; f32 on the reference device), f32 or bf16")
      ->capture_default_str();
}

CLI::Option* add_threads(CLI::App& app, int& target) {
  return add_number(app, "--threads", target, {1, 1024}, "1 to 1024; default: all cores");
}

}  // namespace svd::cli
