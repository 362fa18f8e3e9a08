// A program that forgot prong::init: it must be told so, and must not start itself again and again.
#include <cstdio>
#include <string_view>

#include "prong/prong.h"

int main() {
  try {
    const prong::Pool pool({.workers = 1});
  } catch (const prong::UsageError& error) {
    std::puts(error.what());
    return std::string_view(error.what()).find("prong::init") == std::string_view::npos;
  }
  return 2;
}
