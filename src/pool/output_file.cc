#include "pool/output_file.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <string>

#include "os/available_memory.h"
#include "os/memory.h"
#include "prong/error.h"

namespace prong::pool {
namespace {

// Smaller ones are worth no descriptor.
constexpr std::uint64_t kStaysInFile = 256 * 1024;
// Each takes a descriptor of this process, which has 1024 of them by default.
constexpr int kMostFiles = 200;

std::atomic<int> files_in_payloads = 0;

/// Bytes of an output file. A process that the command has left behind may write to it, or cut it, at any time, so it
/// is not mapped.
class FileStorage final : public PayloadStorage {
 public:
  FileStorage(os::Fd file, std::uint64_t size) : file_(std::move(file)), size_(size) { ++files_in_payloads; }
  ~FileStorage() override { --files_in_payloads; }
  FileStorage(const FileStorage&) = delete;
  FileStorage& operator=(const FileStorage&) = delete;

  /// Reads all into memory, once.
  ByteSpan bytes() const override {
    const std::lock_guard lock(mutex_);
    if (content_.empty()) {
      os::check_available_memory(size_);
      std::string content(size_, '\0');
      os::read_at(file_.get(), 0, std::as_writable_bytes(std::span(content)));
      content_ = std::move(content);
    }
    return as_bytes(content_);
  }
  std::size_t size() const noexcept override { return size_; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override {
    return os::read_some_at(file_.get(), offset, into.first(std::min(into.size(), size_ - std::min(size_, offset))));
  }

 private:
  os::Fd file_;
  std::size_t size_;
  mutable std::mutex mutex_;
  mutable std::string content_;  // guarded by mutex_; final once it is not empty
};

}  // namespace

os::Fd create_output_file(const char* name) {
  const char* chosen = std::getenv("TMPDIR");
  try {
    return os::create_unnamed_file(chosen != nullptr && *chosen != '\0' ? chosen : "/tmp", 0);
  } catch (const SystemError&) {
    return os::create_memfd(name, 0);
  }
}

Payload read_output(const os::Fd& file, std::uint64_t size) {
  const std::uint64_t available = std::min<std::uint64_t>(size, os::file_size(file.get()));
  if (available == 0) return {};
  try {
    if (available >= kStaysInFile && files_in_payloads < kMostFiles)
      return Payload(std::make_shared<FileStorage>(file.duplicate(), available));
    os::check_available_memory(available);
    std::string bytes(available, '\0');
    os::read_at(file.get(), 0, std::as_writable_bytes(std::span(bytes)));
    return Payload::copy_of(bytes);
  } catch (const SystemError&) {
    return {};
  } catch (const std::bad_alloc&) {
    return {};
  }
}

}  // namespace prong::pool
