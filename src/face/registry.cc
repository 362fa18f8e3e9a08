#include "prong/registry.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <string_view>

#include "face/demangle.h"
#include "prong/error.h"

namespace prong::detail {
namespace {

struct Entry {
  const char* type;
  InvokeFunction invoke;
};

struct Registry {
  std::mutex mutex;
  std::multimap<std::string, Entry, std::less<>> entries;
};

/// Made when the first function is registered, which may be before any other global; never destroyed, because plug-ins
/// may unregister theirs at the very end.
Registry& registry() {
  static auto* const only = new Registry;
  return *only;
}

}  // namespace

Registration::Registration(const char* name, const char* type, InvokeFunction invoke) : name_(name), invoke_(invoke) {
  const std::lock_guard lock(registry().mutex);
  registry().entries.emplace(name, Entry{.type = type, .invoke = invoke});
}

Registration::~Registration() {
  const std::lock_guard lock(registry().mutex);
  const auto [first, last] = registry().entries.equal_range(name_);
  const auto mine = std::find_if(first, last, [this](const auto& entry) { return entry.second.invoke == invoke_; });
  if (mine != last) registry().entries.erase(mine);
}

InvokeFunction find_registered(const std::string& name, const std::string& type) {
  const std::lock_guard lock(registry().mutex);
  const auto [first, last] = registry().entries.equal_range(name);
  if (first == last)
    throw UsageError("no function is registered as '" + name +
                     "' in the worker; is PRONG_FUNCTION in a file that is linked, or loaded before prong::init?");
  if (std::next(first) != last) throw UsageError("more than one function is registered as '" + name + "'");
  if (first->second.type != type)
    throw UsageError("'" + name + "' is registered as " + face::demangle(first->second.type) +
                     ", but was submitted as " + face::demangle(type.c_str()));
  return first->second.invoke;
}

}  // namespace prong::detail
