// A shared object with a function, loaded by a test.
#include <string>

#include "prong/registry.h"

extern "C" __attribute__((visibility("default"))) std::string plugged(int n);

std::string plugged(int n) {
  return "plugged " + std::to_string(n);
}
PRONG_FUNCTION(plugged);
