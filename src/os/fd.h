// Fd: the one owner of a file descriptor. Move-only; the destructor closes.
#pragma once

#include <cstdint>
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

/// The same for a number that another owns.
Fd duplicate(int fd);

/// What a descriptor is open for: the same for all that are open for the same thing.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  std::uint32_t mode = 0;  ///< never 0 while something is open
  bool operator==(const FileIdentity&) const = default;
};
FileIdentity identity_of(int fd) noexcept;

/// Sets or clears close-on-exec. Does nothing for -1.
void close_on_exec(int fd, bool close = true) noexcept;

}  // namespace prong::os
