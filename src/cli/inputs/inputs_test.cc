#include "cli/inputs/inputs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <semaphore>

#include "cli/inputs/stream_inputs.h"
#include "cli/system/descriptor.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using Lines = std::vector<std::string>;

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content) {
    const Descriptor file(::mkstemp(path_));
    EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  }
  ~TemporaryFile() { ::unlink(path_); }
  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/prong_inputs_XXXXXX";
};

Lines all_of(Inputs& inputs) {
  Lines lines;
  Values values;
  while (inputs.next(values) == Next::kInput) lines.push_back(values.front());
  return lines;
}

TEST(InputsTest, ListIsGivenInOrder) {
  const auto inputs = inputs_from_list({"a", "", "b c"});
  EXPECT_EQ(inputs->total(), 3u);
  EXPECT_EQ(all_of(*inputs), (Lines{"a", "", "b c"}));
}

TEST(InputsTest, FileIsGivenLineByLine) {
  const TemporaryFile file("a\n\nb c");
  EXPECT_EQ(all_of(*inputs_from_file(file.path(), line_records('\n'), [] {})), (Lines{"a", "", "b c"}));
}

TEST(InputsTest, CountingTheLinesTakesNone) {
  for (const char* content : {"", "a", "a\n", "a\nb", "\n\n"}) {
    const TemporaryFile file(content);
    const auto inputs = inputs_from_file(file.path(), line_records('\n'), [] {});
    const auto total = inputs->total();
    EXPECT_EQ(total, all_of(*inputs).size()) << content;
  }
}

TEST(InputsTest, MissingFileIsTold) {
  try {
    inputs_from_file("/nonexistent", line_records('\n'), [] {});
    FAIL();
  } catch (const SystemError& error) {
    EXPECT_STREQ(error.what(), "cannot read inputs from '/nonexistent': No such file or directory (ENOENT)");
  }
}

class StreamInputsTest : public testing::Test {
 protected:
  StreamInputsTest() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    inputs_.emplace(Descriptor(ends[0]), line_records('\n'), [this] { woken_.release(); });
    writer_ = Descriptor(ends[1]);
  }

  void write(std::string_view text) {
    ASSERT_EQ(::write(writer_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  Next next() {
    Next result = inputs_->next(values_);
    while (result == Next::kNotYet) {
      woken_.acquire();
      result = inputs_->next(values_);
    }
    return result;
  }

  std::counting_semaphore<> woken_{0};
  std::optional<StreamInputs> inputs_;
  Descriptor writer_;
  Values values_;
};

TEST_F(StreamInputsTest, WakesWhenALineHasCome) {
  EXPECT_EQ(inputs_->next(values_), Next::kNotYet);
  write("one\ntw");
  EXPECT_EQ(next(), Next::kInput);
  EXPECT_EQ(values_.front(), "one");
  EXPECT_EQ(inputs_->next(values_), Next::kNotYet);
  write("o\n");
  EXPECT_EQ(next(), Next::kInput);
  EXPECT_EQ(values_.front(), "two");
}

TEST_F(StreamInputsTest, EndGivesTheLastLine) {
  write("last");
  writer_ = Descriptor();
  EXPECT_EQ(next(), Next::kInput);
  EXPECT_EQ(values_.front(), "last");
  EXPECT_EQ(next(), Next::kEnd);
  EXPECT_EQ(next(), Next::kEnd);
}

TEST_F(StreamInputsTest, EndsWhileTheStreamIsStillOpen) {
  inputs_.reset();
}

TEST_F(StreamInputsTest, ReadsNoFurtherThanItsLimit) {
  ::fcntl(writer_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(writer_.get(), F_SETPIPE_SZ, 65536);
  const std::string lines(4096, '\n');
  std::size_t written = 0;
  // Full: for ever, or until the reader has made room once more. An endless reader would take all of it.
  for (int refusals = 0; refusals < 1000 && written < 100 * StreamInputs::kReadAhead;) {
    if (::write(writer_.get(), lines.data(), lines.size()) < 0) {
      ++refusals;
      std::this_thread::yield();
    } else {
      written += lines.size();
    }
  }
  EXPECT_LE(written, StreamInputs::kReadAhead + 4 * 65536);
}

TEST_F(StreamInputsTest, LineLongerThanTheLimitComesWhole) {
  const std::string part(65536, 'x');
  std::thread writer([&] {
    for (int i = 0; i < 10; ++i) write(part);
    write("\n");
  });
  EXPECT_EQ(next(), Next::kInput);
  EXPECT_EQ(values_.front().size(), 10 * part.size());
  writer.join();
}

}  // namespace
}  // namespace prong::cli
