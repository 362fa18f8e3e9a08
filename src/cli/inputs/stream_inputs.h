// StreamInputs: the lines, or rows, of a pipe or terminal, read by a thread of its own, so that jobs go on while
// nothing comes. At most kReadAhead bytes (or one of them) are read before they are asked for.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "cli/inputs/inputs.h"
#include "cli/inputs/records.h"
#include "cli/system/descriptor.h"

namespace prong::cli {

class StreamInputs final : public Inputs {
 public:
  static constexpr std::size_t kReadAhead = 256 * 1024;

  StreamInputs(Descriptor stream, std::unique_ptr<Records> records, std::function<void()> wake);
  ~StreamInputs() override;

  Next next(Values& values) override;

 private:
  void read_all();
  bool wait_until_readable() const;
  bool wait_for_room();
  void add(std::string_view bytes);
  void end(std::exception_ptr failure);
  void wake_if_wanted(std::unique_lock<std::mutex> lock);

  Descriptor stream_;
  Descriptor stop_reader_;  // an eventfd
  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::unique_ptr<Records> records_;  // this and the following: guarded by mutex_
  bool ended_ = false;
  bool wanted_ = false;
  bool stopping_ = false;
  std::exception_ptr failure_;
  std::thread reader_;
};

}  // namespace prong::cli
