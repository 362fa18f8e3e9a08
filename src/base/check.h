// PRONG_CHECK: what cannot happen. On in release builds too; never reachable by user input or a dead worker.
#pragma once

namespace prong::base {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}

#define PRONG_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::prong::base::check_failed(#condition, __FILE__, __LINE__))
