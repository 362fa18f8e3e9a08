#include "cli/inputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "cli/descriptor.h"
#include "cli/line_buffer.h"
#include "cli/stream_inputs.h"
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
  FileInputs(Descriptor file, char delimiter) : file_(std::move(file)), delimiter_(delimiter), lines_(delimiter) {}

  Next next(Values& values) override {
    values.resize(1);
    std::string& input = values.front();
    while (!lines_.take(input)) {
      const std::size_t size = read_some(file_.get(), chunk_);
      if (size == 0) return lines_.take_rest(input) ? Next::kInput : Next::kEnd;
      lines_.append({chunk_.data(), size});
    }
    return Next::kInput;
  }

  std::optional<std::uint64_t> total() override {
    const off_t start = ::lseek(file_.get(), 0, SEEK_CUR);
    std::uint64_t count = 0;
    char last = delimiter_;
    while (const std::size_t size = read_some(file_.get(), chunk_)) {
      count +=
          static_cast<std::uint64_t>(std::count(chunk_.begin(), chunk_.begin() + static_cast<long>(size), delimiter_));
      last = chunk_[size - 1];
    }
    ::lseek(file_.get(), start, SEEK_SET);
    return count + (last != delimiter_);
  }

 private:
  Descriptor file_;
  char delimiter_;
  LineBuffer lines_;
  std::array<char, 65536> chunk_;
};

Descriptor open_input(const std::string& path) {
  Descriptor file(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw SystemError("read inputs from '" + path + "'", errno);
  ::fcntl(file.get(), F_SETFD, FD_CLOEXEC);
  return file;
}

bool is_regular(const Descriptor& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

std::unique_ptr<Inputs> inputs_from_list(std::vector<std::string> list) {
  return std::make_unique<ListInputs>(std::move(list));
}

std::unique_ptr<Inputs> inputs_from_file(const std::string& path, char delimiter, std::function<void()> wake) {
  Descriptor file = open_input(path);
  if (is_regular(file)) return std::make_unique<FileInputs>(std::move(file), delimiter);
  return std::make_unique<StreamInputs>(std::move(file), delimiter, std::move(wake));
}

}  // namespace prong::cli
