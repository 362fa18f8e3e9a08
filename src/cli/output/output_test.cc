#include "cli/output/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "cli/exit_status.h"
#include "cli/system/descriptor.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reading = Descriptor(ends[0]);
    writing = Descriptor(ends[1]);
  }
  std::string read_available() {
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    std::array<char, 65536> buffer{};
    const ssize_t size = ::read(reading.get(), buffer.data(), buffer.size());
    return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }
  Descriptor reading;
  Descriptor writing;
};

TEST(OutputTest, SmallTextsAreGathered) {
  Pipe pipe;
  Output output(pipe.writing.get(), 2);
  output.write("one ");
  output.write("two\n");
  EXPECT_EQ(pipe.read_available(), "");
  output.flush();
  EXPECT_EQ(pipe.read_available(), "one two\n");
}

TEST(OutputTest, StreamsKeepTheirOrderWhereTheyMeet) {
  Pipe pipe;
  Output output(pipe.writing.get(), pipe.writing.get());
  output.write("1");
  output.write_error("2");
  output.write("3");
  output.flush();
  EXPECT_EQ(pipe.read_available(), "123");
}

TEST(OutputTest, LargeTextFollowsWhatWasGathered) {
  Pipe pipe;
  Output output(pipe.writing.get(), 2);
  const std::string large(40'000, 'x');
  output.write("first");
  output.write(large);
  EXPECT_EQ(pipe.read_available(), "first" + large);
}

TEST(OutputTest, MoreThanThePipeHoldsIsWrittenWhole) {
  Pipe pipe;
  ::fcntl(pipe.writing.get(), F_SETFL, O_NONBLOCK);
  const std::string large(1'000'000, 'x');
  std::thread writer([&] { Output(pipe.writing.get(), 2).write(large); });
  std::size_t received = 0;
  std::array<char, 65536> buffer{};
  while (received < large.size()) received += read_some(pipe.reading.get(), buffer);
  writer.join();
  EXPECT_EQ(received, large.size());
}

TEST(OutputTest, ClosedOutputIsTold) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  Output output(pipe.writing.get(), pipe.writing.get());
  pipe.reading = Descriptor();
  output.write_error("nobody");
  output.write("reads");  // flushes standard error: not a reason to stop
  EXPECT_THROW(output.flush(), OutputClosed);
}

TEST(OutputTest, FullDiskIsTold) {
  const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Output output(full.get(), 2);
  output.write("x");
  EXPECT_THROW(output.flush(), SystemError);
}

}  // namespace
}  // namespace prong::cli
