#include "cli/inputs/stream_inputs.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "cli/system/thread.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

Descriptor create_eventfd() {
  Descriptor created(::eventfd(0, EFD_CLOEXEC));
  if (created.get() < 0) throw SystemError("create an eventfd", errno);
  return created;
}

}  // namespace

StreamInputs::StreamInputs(Descriptor stream, std::unique_ptr<Records> records, std::function<void()> wake)
    : stream_(std::move(stream)), stop_reader_(create_eventfd()), wake_(std::move(wake)), records_(std::move(records)) {
  reader_ = start_without_signals([this] { read_all(); });
}

StreamInputs::~StreamInputs() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    room_.notify_all();
  }
  ::eventfd_write(stop_reader_.get(), 1);
  reader_.join();
}

Next StreamInputs::next(Values& values) {
  const std::lock_guard lock(mutex_);
  const bool found = records_->take(values);
  room_.notify_all();
  if (found) return Next::kInput;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (ended_) return Next::kEnd;
  wanted_ = true;
  return Next::kNotYet;
}

void StreamInputs::read_all() {
  std::array<char, 65536> chunk;
  try {
    while (wait_for_room() && wait_until_readable()) {
      const std::size_t size = read_some(stream_.get(), chunk);
      if (size == 0) break;
      add({chunk.data(), size});
    }
    end(nullptr);
  } catch (const std::exception&) {
    end(std::current_exception());
  }
}

bool StreamInputs::wait_for_room() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return stopping_ || records_->size() < kReadAhead || !records_->has_record(); });
  return !stopping_;
}

bool StreamInputs::wait_until_readable() const {
  std::array<pollfd, 2> watched = {pollfd{stream_.get(), POLLIN, 0}, pollfd{stop_reader_.get(), POLLIN, 0}};
  while (::poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
  }
  return watched[1].revents == 0;
}

void StreamInputs::add(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  records_->append(bytes);
  if (records_->has_record()) wake_if_wanted(std::move(lock));
}

void StreamInputs::end(std::exception_ptr failure) {
  std::unique_lock lock(mutex_);
  ended_ = true;
  if (!failure) records_->end();
  failure_ = std::move(failure);
  wake_if_wanted(std::move(lock));
}

void StreamInputs::wake_if_wanted(std::unique_lock<std::mutex> lock) {
  const bool wanted = std::exchange(wanted_, false);
  lock.unlock();
  if (wanted) wake_();
}

}  // namespace prong::cli
