#include "launcher/environment.h"

#include <algorithm>

namespace prong::launcher {
namespace {

bool names(const std::string& entry, std::string_view name) {
  return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
}

}  // namespace

std::size_t set_variable(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
  std::string entry = std::string(name) + "=" + std::string(value);
  const auto is_it = [&](const std::string& candidate) { return names(candidate, name); };
  const auto place = std::find_if(environment.begin(), environment.end(), is_it);
  const auto index = static_cast<std::size_t>(place - environment.begin());
  if (place == environment.end()) {
    environment.push_back(std::move(entry));
  } else {
    *place = std::move(entry);
  }
  return index;
}

void apply_changes(std::vector<std::string>& environment, const std::vector<std::string>& changes) {
  for (const std::string& change : changes) {
    const auto equals = change.find('=');
    if (equals == std::string::npos) {
      std::erase_if(environment, [&](const std::string& entry) { return names(entry, change); });
    } else {
      set_variable(environment, change.substr(0, equals), std::string_view(change).substr(equals + 1));
    }
  }
}

}  // namespace prong::launcher
