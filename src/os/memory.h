// Anonymous shared memory: sealed memfds and their mappings. Any process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "os/fd.h"

namespace prong::os {

/// A new memfd, close-on-exec. With `size` > 0 it has that size for ever (sealed against shrinking and growing), so
/// that no other process can make a mapping of it raise SIGBUS. Throws SystemError.
Fd create_memfd(const char* name, std::size_t size);

/// A new file of that size in a folder, close-on-exec, without a name: it is gone with its last descriptor and mapping.
/// Throws SystemError.
Fd create_unnamed_file(const std::string& folder, std::size_t size);

/// Writes all parts one after the other from offset 0. Throws SystemError.
void write_parts(const Fd& fd, std::span<const std::span<const std::byte>> parts);

/// The current size of the file. Throws SystemError.
std::size_t file_size(int fd);

/// Reads exactly `into.size()` bytes at `offset`; false if the file is shorter. Throws SystemError.
bool read_at(int fd, std::uint64_t offset, std::span<std::byte> into);

/// Reads what there is, up to `into.size()` bytes, at `offset`; how many. Throws SystemError.
std::size_t read_some_at(int fd, std::uint64_t offset, std::span<std::byte> into);

class Mapping {
 public:
  enum class Mode {
    kShared,       ///< both sides see writes
    kCopyOnWrite,  ///< private: the receiver may write, nobody sees it
  };

  Mapping() = default;
  /// Maps the whole of `fd` up to `size`. Unless `inherit_on_fork`, a forked child has nothing there, and leaves alone
  /// what it puts there. Throws SystemError.
  Mapping(int fd, std::size_t size, Mode mode, bool inherit_on_fork = false);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  /// Maps so many bytes of it, from its start, that are memory already: many pages at a time. Only shared memory.
  void populate(std::size_t size) const noexcept;
  /// kCopyOnWrite, when nobody looks at it any more: takes what was written here back, so that the bytes of the file
  /// are seen again, and hides it from children that are forked later. What was only read stays mapped. False: it is
  /// not known here what was written.
  bool set_aside() noexcept;
  /// The reverse, before somebody looks at it again. False if it must be mapped anew: it is not here (in a forked
  /// child), or mlockall() has made copies of its pages, which hide the file.
  bool take_up() noexcept;

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  bool is_here() const noexcept;
  bool forget_writes() const noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  pid_t owner_ = 0;  ///< the only process that has it; 0: its forked children, too
};

/// Joins parts at the start of a mapping: without a system call, where the memory is there and mapped.
void copy_parts(const Mapping& mapping, std::span<const std::span<const std::byte>> parts) noexcept;

}  // namespace prong::os
