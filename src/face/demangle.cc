#include "face/demangle.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace prong::face {

std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                         &std::free);
  return text ? text.get() : name;
}

std::string current_exception_type() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type ? demangle(type->name()) : "unknown";
}

std::vector<std::string> current_exception_bases() {
  std::vector<std::string> bases;
  const std::type_info* type = abi::__cxa_current_exception_type();
  while (const auto* derived = dynamic_cast<const abi::__si_class_type_info*>(type)) {
    type = derived->__base_type;
    bases.push_back(demangle(type->name()));
  }
  return bases;
}

}  // namespace prong::face
