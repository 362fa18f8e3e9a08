#include "cli/options/parsed_option.h"

#include <utility>

#include <CLI/CLI.hpp>

#include "prong/error.h"

namespace prong::cli {

void add_parsed(CLI::App& app, const std::string& names, const char* type, const std::string& help,
                std::function<void(const std::string&)> store) {
  const auto named = [name = names.substr(0, names.find(',')), store = std::move(store)](const std::string& text) {
    try {
      store(text);
    } catch (const UsageError& error) {
      throw UsageError(name + ": " + error.what());
    }
  };
  app.add_option_function<std::string>(names, named, help)->type_name(type);
}

}  // namespace prong::cli
