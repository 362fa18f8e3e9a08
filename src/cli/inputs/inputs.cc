#include "cli/inputs/inputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "cli/inputs/stream_inputs.h"
#include "cli/system/descriptor.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

class ListInputs final : public Inputs {
 public:
  explicit ListInputs(std::vector<std::string> list) : list_(std::move(list)) {}

  Next next(Values& values) override {
    if (position_ == list_.size()) return Next::kEnd;
    values.resize(1);
    values.front() = std::move(list_[position_++]);
    return Next::kInput;
  }

  std::optional<std::uint64_t> total() override { return list_.size(); }

 private:
  std::vector<std::string> list_;
  std::size_t position_ = 0;
};

/// A regular file: reading it never waits for anybody.
class FileInputs final : public Inputs {
 public:
  FileInputs(Descriptor file, std::unique_ptr<Records> records)
      : file_(std::move(file)), start_(::lseek(file_.get(), 0, SEEK_CUR)), records_(std::move(records)) {}

  Next next(Values& values) override {
    while (!records_->take(values)) {
      if (ended_) return Next::kEnd;
      ended_ = !read_into(*records_);
    }
    ++taken_;
    return Next::kInput;
  }

  // Of those that were not taken, as a header is.
  std::optional<std::uint64_t> total() override {
    const off_t position = ::lseek(file_.get(), 0, SEEK_CUR);
    ::lseek(file_.get(), start_, SEEK_SET);
    const std::optional<std::uint64_t> count = count_records();
    ::lseek(file_.get(), position, SEEK_SET);
    return count ? std::optional(*count - std::min(*count, taken_)) : std::nullopt;
  }

 private:
  // False: at the end.
  bool read_into(Records& records) {
    const std::size_t size = read_some(file_.get(), chunk_);
    if (size > 0)
      records.append({chunk_.data(), size});
    else
      records.end();
    return size > 0;
  }

  std::optional<std::uint64_t> count_records() {
    const std::unique_ptr<Records> records = records_->another();
    Values values;
    std::uint64_t count = 0;
    try {
      for (bool more = true; more;) {
        more = read_into(*records);
        while (records->take(values)) ++count;
      }
    } catch (const InputError&) {
      return std::nullopt;  // it is told when it is come to
    }
    return count;
  }

  Descriptor file_;
  off_t start_;
  std::unique_ptr<Records> records_;
  std::uint64_t taken_ = 0;
  bool ended_ = false;
  std::array<char, 65536> chunk_;
};

mode_t mode_of(const Descriptor& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 ? status.st_mode : 0;
}

Descriptor open_input(const std::string& path) {
  Descriptor file(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw SystemError("read inputs from '" + path + "'", errno);
  ::fcntl(file.get(), F_SETFD, FD_CLOEXEC);
  if (S_ISDIR(mode_of(file))) throw SystemError("read inputs from '" + path + "'", EISDIR);
  return file;
}

}  // namespace

std::unique_ptr<Inputs> inputs_from_list(std::vector<std::string> list) {
  return std::make_unique<ListInputs>(std::move(list));
}

std::unique_ptr<Inputs> inputs_from_file(const std::string& path, std::unique_ptr<Records> records,
                                         std::function<void()> wake) {
  Descriptor file = open_input(path);
  if (S_ISREG(mode_of(file))) return std::make_unique<FileInputs>(std::move(file), std::move(records));
  return std::make_unique<StreamInputs>(std::move(file), std::move(records), std::move(wake));
}

}  // namespace prong::cli
