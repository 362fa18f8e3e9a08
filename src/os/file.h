// Files that have names: made whole or not at all, and locked for one process. Any process.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "os/fd.h"
#include "prong/payload.h"

namespace prong::os {

/// Makes the file with these bytes, on disk, in one step: it is never seen with fewer. False if there is one of that
/// name (and that one is left as it is). Throws SystemError.
bool create_file(const std::string& path, ByteSpan bytes);

/// Makes the folder and those above it, for the user alone, where they are missing. Throws SystemError.
void create_folders(const std::string& path);

/// A lock on an open file that ends with the process, however that ends. Programs that do not ask for it are not kept
/// out.
class FileLock {
 public:
  /// Empty if another has it. Throws SystemError, also when there is no such file.
  static std::optional<FileLock> try_lock(const std::string& path);

  const Fd& file() const noexcept { return file_; }

 private:
  explicit FileLock(Fd file) noexcept : file_(std::move(file)) {}
  Fd file_;
};

/// Calls `take` with the bytes, in order. False if there is no such file. Throws SystemError.
bool read_file(const std::string& path, const std::function<void(ByteSpan)>& take);

/// Size in bytes; nothing if there is no such file. Throws SystemError.
std::optional<std::uint64_t> size_of_file(const std::string& path);

}  // namespace prong::os
