#include "cli/output/live_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "cli/output/pieces.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;
// At a time, so that one job that writes without end does not hold up the others.
constexpr int kMostReads = 16;
constexpr std::size_t kMostLeft = 64;

std::string path_of(const Descriptor& file) {
  return fmt::format("/proc/{}/fd/{}", ::getpid(), file.get());
}

/// 0: nothing more will come; unset: nothing is there now.
std::optional<std::size_t> read_now(const Descriptor& pipe, std::string& buffer) {
  for (;;) {
    const ssize_t size = ::read(pipe.get(), buffer.data(), buffer.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno == EAGAIN) return std::nullopt;
    if (errno != EINTR) throw SystemError("read the output of a command", errno);
  }
}

}  // namespace

LiveOutput::Stream LiveOutput::make_stream(bool is_error) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) throw SystemError("make a pipe for the output of a command", errno);
  Stream stream{.reading = Descriptor(ends[0]), .writing = Descriptor(ends[1]), .is_error = is_error};
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return stream;
}

OutputPaths LiveOutput::begin(std::uint64_t number, std::string prefix) {
  buffer_.resize(kBuffer);
  Job job{.prefix = std::move(prefix), .streams = {make_stream(false), make_stream(true)}};
  OutputPaths paths{.output = path_of(job.streams[0].writing), .error_output = path_of(job.streams[1].writing)};
  jobs_.emplace(number, std::move(job));
  return paths;
}

std::span<pollfd> LiveOutput::watched() {
  watched_.clear();
  for (const auto& [number, job] : jobs_)
    for (const Stream& stream : job.streams) watched_.push_back({stream.reading.get(), POLLIN, 0});
  for (const Descriptor& pipe : left_) watched_.push_back({pipe.get(), POLLIN, 0});
  return watched_;
}

void LiveOutput::show(const SinkOf& sink_of) {
  for (auto& [number, job] : jobs_)
    for (Stream& stream : job.streams) take_all(job, stream, [&]() -> Sink& { return sink_of(number); });
  drop_what_nobody_waits_for();
}

void LiveOutput::take_all(Job& job, Stream& stream, const std::function<Sink&()>& sink) {
  for (int reads = 0; reads < kMostReads; ++reads) {
    const auto size = read_now(stream.reading, buffer_);
    if (!size || *size == 0) return;
    take(job, stream, std::string_view(buffer_).substr(0, *size), sink);
  }
}

void LiveOutput::take(Job& job, Stream& stream, std::string_view bytes, const std::function<Sink&()>& sink) {
  stream.size += bytes.size();
  const std::size_t lines_end = bytes.rfind('\n') + 1;  // 0: there is none
  stream.pending += bytes.substr(0, lines_end);
  if (lines_end > 0 || stream.pending.size() > kLongestLine) {
    put(job, stream, stream.pending, sink());
    stream.pending.clear();
  }
  stream.pending += bytes.substr(lines_end);
}

void LiveOutput::put(const Job& job, const Stream& stream, std::string_view lines, Sink& sink) {
  Prefixer(job.prefix).put(lines, [&](std::string_view text) {
    if (stream.is_error)
      sink.write_error(text);
    else
      sink.write(text);
  });
}

LiveOutput::Sizes LiveOutput::end(std::uint64_t number, const SinkOf& sink_of) {
  const auto found = jobs_.find(number);
  Job& job = found->second;
  for (Stream& stream : job.streams) {
    take_all(job, stream, [&]() -> Sink& { return sink_of(number); });
    if (!stream.pending.empty()) put(job, stream, stream.pending, sink_of(number));
    leave(stream);
  }
  const Sizes sizes{.output = job.streams[0].size, .error_output = job.streams[1].size};
  jobs_.erase(found);
  return sizes;
}

void LiveOutput::leave(Stream& stream) {
  stream.writing = Descriptor();
  if (read_now(stream.reading, buffer_) == std::size_t{0}) return;
  if (left_.size() == kMostLeft) left_.erase(left_.begin());
  left_.push_back(std::move(stream.reading));
}

void LiveOutput::drop_what_nobody_waits_for() {
  std::erase_if(left_, [&](const Descriptor& pipe) { return read_now(pipe, buffer_) == std::size_t{0}; });
}

}  // namespace prong::cli
