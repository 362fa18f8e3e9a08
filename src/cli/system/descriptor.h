// Descriptor: the one owner of a file descriptor in the command line (which sees the public headers alone, not src/os).
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace prong::cli {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int get() const noexcept { return number_; }

 private:
  int number_;
};

/// At most buffer.size() bytes, again after interruptions; 0 at the end. Throws SystemError.
std::size_t read_some(int fd, std::span<char> buffer);

/// Standard input, output and error exist (closed ones become /dev/null that cannot be written to), so that no file
/// that is opened later gets one of their numbers.
void keep_standard_descriptors();

}  // namespace prong::cli
