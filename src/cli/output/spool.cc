#include "cli/output/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "cli/system/temporary_file.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr std::uint64_t kPiece = 256 * 1024;

void put(Sink& sink, bool is_error, std::string_view text) {
  if (is_error)
    sink.write_error(text);
  else
    sink.write(text);
}

}  // namespace

std::uint64_t Spool::put_into_file(std::string_view text) {
  if (file_.get() < 0) file_ = unnamed_temporary_file();
  const std::uint64_t offset = file_end_;
  while (!text.empty()) {
    const ssize_t written = ::pwrite(file_.get(), text.data(), text.size(), static_cast<off_t>(file_end_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw SystemError("keep output that is not shown yet in '" + temporary_folder() + "'", errno);
    text.remove_prefix(static_cast<std::size_t>(written));
    file_end_ += static_cast<std::uint64_t>(written);
  }
  in_file_ += file_end_ - offset;
  return offset;
}

void Spool::read_from_file(std::uint64_t offset, std::span<char> into) const {
  while (!into.empty()) {
    const ssize_t size = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0)
      throw SystemError("read output that was kept in '" + temporary_folder() + "'", size < 0 ? errno : EIO);
    into = into.subspan(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
}

// Gives the room back where the file system can; where it cannot, when nothing in the file is wanted any more.
void Spool::free_in_file(std::uint64_t offset, std::uint64_t size) {
  in_file_ -= size;
  if (in_file_ == 0) {
    static_cast<void>(!::ftruncate(file_.get(), 0));
    file_end_ = 0;
  } else {
    ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                static_cast<off_t>(size));
  }
}

Recording::~Recording() {
  forget();
}

void Recording::replay(Sink& sink) {
  for (const Part& part : parts_) {
    if (part.in_file)
      show_from_file(part, sink);
    else
      put(sink, part.is_error, part.text);
  }
  forget();
}

void Recording::add(bool is_error, std::string_view text) {
  if (text.empty()) return;
  if (spool_->in_memory_ + text.size() <= spool_->most_in_memory_)
    add_to_memory(is_error, text);
  else
    add_to_file(is_error, text);
}

void Recording::add_to_memory(bool is_error, std::string_view text) {
  if (parts_.empty() || parts_.back().is_error != is_error || parts_.back().in_file)
    parts_.push_back({.is_error = is_error});
  parts_.back().text += text;
  spool_->in_memory_ += text.size();
}

void Recording::add_to_file(bool is_error, std::string_view text) {
  const std::uint64_t offset = spool_->put_into_file(text);
  const bool goes_on = !parts_.empty() && parts_.back().in_file && parts_.back().is_error == is_error &&
                       parts_.back().offset + parts_.back().size == offset;
  if (!goes_on) parts_.push_back({.is_error = is_error, .in_file = true, .offset = offset});
  parts_.back().size += text.size();
}

void Recording::show_from_file(const Part& part, Sink& sink) const {
  std::string piece;
  for (std::uint64_t done = 0; done < part.size; done += piece.size()) {
    piece.resize(std::min(kPiece, part.size - done));
    spool_->read_from_file(part.offset + done, piece);
    put(sink, part.is_error, piece);
  }
}

void Recording::forget() {
  for (const Part& part : parts_) {
    spool_->in_memory_ -= part.text.size();
    if (part.in_file) spool_->free_in_file(part.offset, part.size);
  }
  parts_.clear();
}

}  // namespace prong::cli
