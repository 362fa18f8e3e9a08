// Spool: keeps what is to be shown later, and takes no more memory for it than kMostInMemory: the rest lies in a file
// without a name in $TMPDIR (else /tmp), which is made when it is needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/output/sink.h"
#include "cli/system/descriptor.h"

namespace prong::cli {

class Spool {
 public:
  explicit Spool(std::uint64_t most_in_memory = kMostInMemory) : most_in_memory_(most_in_memory) {}

  static constexpr std::uint64_t kMostInMemory = 16 * 1024 * 1024;

  std::uint64_t in_memory() const { return in_memory_; }
  std::uint64_t in_file() const { return in_file_; }

 private:
  friend class Recording;

  std::uint64_t put_into_file(std::string_view text);
  void read_from_file(std::uint64_t offset, std::span<char> into) const;
  void free_in_file(std::uint64_t offset, std::uint64_t size);

  std::uint64_t most_in_memory_;
  std::uint64_t in_memory_ = 0;
  std::uint64_t in_file_ = 0;   // bytes that are still wanted
  std::uint64_t file_end_ = 0;  // where the next ones go
  Descriptor file_;
};

/// What one job has written so far, in order. The spool must outlive it. All throw SystemError when $TMPDIR is full.
class Recording final : public Sink {
 public:
  explicit Recording(Spool& spool) : spool_(&spool) {}
  ~Recording() override;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  void write(std::string_view text) override { add(false, text); }
  void write_error(std::string_view text) override { add(true, text); }
  /// Writes all to `sink` and forgets it.
  void replay(Sink& sink);

 private:
  struct Part {
    bool is_error = false;
    bool in_file = false;
    std::string text{};
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };

  void add(bool is_error, std::string_view text);
  void add_to_memory(bool is_error, std::string_view text);
  void add_to_file(bool is_error, std::string_view text);
  void show_from_file(const Part& part, Sink& sink) const;
  void forget();

  Spool* spool_;
  std::vector<Part> parts_;
};

}  // namespace prong::cli
