// Fd: the one owner of a file descriptor. Move-only; the destructor closes.
#pragma once

#include <utility>

namespace prong::os {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) noexcept : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }
  int release() noexcept { return std::exchange(number_, -1); }
  void reset() noexcept;
  /// A second descriptor (close-on-exec) of the same file. Throws SystemError.
  Fd duplicate() const;

 private:
  int number_ = -1;
};

/// Sets or clears close-on-exec. Does nothing for -1.
void close_on_exec(int fd, bool close = true) noexcept;

}  // namespace prong::os
