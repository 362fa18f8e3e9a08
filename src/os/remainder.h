// Remainder: what is left of a list of parts while it is written by several calls. Any process.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace prong::os {

/// The parts that are still to be written after writes that took only some of it.
class Remainder {
 public:
  explicit Remainder(std::span<const std::span<const std::byte>> parts) : parts_(parts) { skip_empty(); }

  bool empty() const noexcept { return parts_.empty(); }

  /// Fills `window` (at most 1024 entries: IOV_MAX); returns how many.
  int fill(std::span<iovec> window) const noexcept {
    std::size_t count = std::min(window.size(), parts_.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto part = i == 0 ? parts_[0].subspan(done_) : parts_[i];
      window[i] = {const_cast<std::byte*>(part.data()), part.size()};
    }
    return static_cast<int>(count);
  }

  void advance(std::size_t written) noexcept {
    while (written > 0) {
      const std::size_t step = std::min(written, parts_[0].size() - done_);
      done_ += step;
      written -= step;
      skip_empty();
    }
  }

 private:
  void skip_empty() noexcept {
    while (!parts_.empty() && done_ == parts_[0].size()) {
      parts_ = parts_.subspan(1);
      done_ = 0;
    }
  }

  std::span<const std::span<const std::byte>> parts_;
  std::size_t done_ = 0;  ///< of the first part
};

}  // namespace prong::os
