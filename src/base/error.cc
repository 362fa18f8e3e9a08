#include "prong/error.h"

#include <cstring>

namespace prong {
namespace {

std::string describe_errno(int error) {
  const char* text = strerrordesc_np(error);
  const char* name = strerrorname_np(error);
  if (!text || !name) return "error " + std::to_string(error);
  return std::string(text) + " (" + name + ")";
}

}  // namespace

SystemError::SystemError(const std::string& what_was_tried, int error)
    : Error("cannot " + what_was_tried + ": " + describe_errno(error)), error_(error) {}

}  // namespace prong
