// The coordinator's side of a channel whose shared memory holds anything. Whatever a worker writes there, the
// coordinator neither crashes, nor reads outside, nor waits for ever.
//
// Input: commands of one byte and their operands; see run_command().
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "ipc/channel.h"
#include "ipc/channel_layout.h"
#include "os/memory.h"

namespace {

using namespace prong;

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  template <typename Number>
  Number number() {
    Number value{};
    const std::size_t size = std::min(size_, sizeof value);
    std::memcpy(&value, data_, size);
    data_ += size;
    size_ -= size;
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

class Subject {
 public:
  Subject()
      : mapping_(channel_.fd(), sizeof(ipc::ChannelLayout), os::Mapping::Mode::kShared),
        layout_(*reinterpret_cast<ipc::ChannelLayout*>(mapping_.data())) {}

  /// Well-behaved results, so that what follows meets the end of the ring.
  void fill_ring(Input& input) {
    for (int left = input.number<std::uint8_t>() % 6; left > 0; --left) {
      last_ = *channel_.try_push({});
      publish_record({.position = ipc::record_start(published_),
                      .sequence = last_,
                      .size = static_cast<std::uint32_t>(ipc::kInlineLimit - input.number<std::uint16_t>()),
                      .kind = static_cast<std::uint16_t>(ipc::ResultKind::kReturned)});
      set_word(last_, ipc::WordState::kFree);
      channel_.try_pop(result_);
    }
  }

  void run_command(Input& input) {
    switch (input.number<std::uint8_t>() % 8) {
      case 0: {
        const std::string bytes(input.number<std::uint16_t>(), 'x');
        if (const auto pushed = channel_.try_push({.bytes = as_bytes(bytes)})) last_ = *pushed;
        return;
      }
      case 1:
        channel_.try_pop(result_);
        return;
      case 2:
        channel_.try_revoke(last_ - input.number<std::uint8_t>() % 70);
        return;
      case 3:
        channel_.state_of(last_ - input.number<std::uint8_t>() % 70);
        channel_.started_at(last_, 1'000'000);
        return;
      case 4:
        channel_.arm(input.number<std::uint32_t>());
        channel_.results_waiting();
        channel_.wake_worker();
        channel_.disarm();
        return;
      case 5:
        return write_anywhere(input);
      case 6:
        return publish(input);
      case 7:
        return set_word(last_ - input.number<std::uint8_t>() % 4,
                        static_cast<ipc::WordState>(input.number<std::uint8_t>() % 8));
    }
  }

 private:
  void write_anywhere(Input& input) {
    const auto at = input.number<std::uint32_t>() % (sizeof(ipc::ChannelLayout) - 8);
    const auto value = input.number<std::uint64_t>();
    std::memcpy(mapping_.data() + at, &value, sizeof value);
  }

  /// A record with a right checksum, as a worker would write it, but of anything.
  void publish(Input& input) {
    const std::uint64_t position = ipc::record_start(published_);
    ipc::ResultRecord record{};
    record.position = input.number<std::uint8_t>() % 8 == 0 ? input.number<std::uint64_t>() : position;
    record.sequence = last_ - input.number<std::uint8_t>() % 4;
    record.block_size = input.number<std::uint64_t>();
    record.block = input.number<std::uint32_t>();
    record.size = input.number<std::uint32_t>() % (2 * ipc::kInlineLimit);
    record.kind = input.number<std::uint8_t>() % 10 == 9 ? ipc::ResultRecord::kSkip : input.number<std::uint8_t>() % 10;
    record.started_ns = input.number<std::int64_t>();
    record.ended_ns = input.number<std::int64_t>();
    publish_record(record);
  }

  void publish_record(ipc::ResultRecord record) {
    ipc::seal(record);
    const std::uint64_t start = ipc::record_start(published_);
    const std::uint64_t in_ring = start % ipc::kResultRingSize;
    std::memcpy(layout_.result_ring.data() + in_ring, &record,
                std::min<std::size_t>(sizeof record, ipc::kResultRingSize - in_ring));
    published_ = start + ipc::align_record(sizeof record + record.size);
    layout_.worker.results_published.store(published_);
  }

  void set_word(std::uint64_t sequence, ipc::WordState state) {
    layout_.slot_of(sequence).word.store(ipc::pack_word(sequence, state));
  }

  ipc::Channel channel_;
  os::Mapping mapping_;
  ipc::ChannelLayout& layout_;
  ipc::Result result_;
  std::uint64_t last_ = 0;
  std::uint64_t published_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Subject subject;
  Input input(data, size);
  subject.fill_ring(input);
  while (!input.empty()) subject.run_command(input);
  return 0;
}
