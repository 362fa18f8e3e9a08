#include "cli/session/job_tokens.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kVariable = "MAKEFLAGS";
constexpr char kWant = 'w';
constexpr char kWantNone = 'n';
constexpr char kPutBack = 'b';
constexpr char kGot = 'g';
constexpr std::size_t kMostTokens = 4096;  // as many as a pipe of one page holds

// ---- what MAKEFLAGS says

template <typename Visit>
void for_each_word(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (!word.empty()) visit(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
}

std::optional<std::string_view> address_in(std::string_view word) {
  for (const std::string_view name : {"--jobserver-auth=", "--jobserver-fds="})
    if (word.starts_with(name)) return word.substr(name.size());
  return std::nullopt;
}

std::optional<JobserverAddress> parse_address(std::string_view text) {
  constexpr std::string_view kFifo = "fifo:";
  JobserverAddress address;
  if (text.starts_with(kFifo)) {
    address.fifo = text.substr(kFifo.size());
    return address;
  }
  const char* const end = text.data() + text.size();
  const auto [comma, wrong] = std::from_chars(text.data(), end, address.reader);
  if (wrong != std::errc() || comma == end || *comma != ',') return std::nullopt;
  const auto [rest, also_wrong] = std::from_chars(comma + 1, end, address.writer);
  if (also_wrong != std::errc() || rest != end || address.reader < 0 || address.writer < 0) return std::nullopt;
  return address;
}

bool is_number_of_jobs(std::string_view word) {
  return word.starts_with("-j") &&
         std::all_of(word.begin() + 2, word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// ---- the keeper

/// Owns the tokens. Has nothing of the program but the descriptors that it needs; allocates nothing.
class Keeper {
 public:
  Keeper(int requests, int answers, int reader, int writer, pid_t program)
      : requests_(requests), answers_(answers), reader_(reader), writer_(writer), program_(program) {}

  void run() {
    while (!over_) {
      std::array<pollfd, 2> sources = {pollfd{requests_, POLLIN, 0}, pollfd{wanted_ ? reader_ : -1, POLLIN, 0}};
      if (::poll(sources.data(), sources.size(), -1) < 0) continue;
      if (sources[0].revents != 0) take_requests();
      if (wanted_ && sources[1].revents != 0) take_token();
    }
    while (count_ > 0) put_back();
  }

 private:
  void take_requests() {
    std::array<char, 256> bytes;
    const ssize_t size = ::read(requests_, bytes.data(), bytes.size());
    if (size == 0 || (size < 0 && errno != EINTR)) over_ = true;
    for (ssize_t i = 0; i < size; ++i) {
      const char request = bytes[static_cast<std::size_t>(i)];
      if (request == kWant) wanted_ = count_ < tokens_.size();
      if (request == kWantNone) wanted_ = false;
      if (request == kPutBack && count_ > 0) put_back();
    }
  }

  // Another client may be faster; then this one goes on waiting.
  void take_token() {
    if (::read(reader_, &tokens_[count_], 1) != 1) return;
    ++count_;
    wanted_ = false;
    static_cast<void>(!::write(answers_, &kGot, 1));
    ::kill(program_, SIGURG);
  }

  void put_back() {
    --count_;
    while (::write(writer_, &tokens_[count_], 1) < 0 && errno == EINTR) {
    }
  }

  int requests_;
  int answers_;
  int reader_;
  int writer_;
  pid_t program_;
  std::array<char, kMostTokens> tokens_;
  std::size_t count_ = 0;
  bool wanted_ = false;
  bool over_ = false;
};

void close_all_but(std::array<int, 4> kept) {
  std::ranges::sort(kept);
  int next = 0;
  for (const int number : kept) {
    if (number > next) ::close_range(static_cast<unsigned>(next), static_cast<unsigned>(number - 1), 0);
    next = number + 1;
  }
  ::close_range(static_cast<unsigned>(next), ~0U, 0);
}

[[noreturn]] void become_keeper(int requests, int answers, int reader, int writer, pid_t program) {
  ::setsid();  // what is sent to all processes of a terminal or of make's job is not for this one
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGURG}) ::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, "prong-tokens");
  close_all_but({requests, answers, reader, writer});
  Keeper(requests, answers, reader, writer, program).run();
  ::_exit(0);
}

// ---- descriptors

bool is_pipe(int number) {
  struct stat status {};
  return ::fstat(number, &status) == 0 && S_ISFIFO(status.st_mode);
}

/// The same pipe, opened anew: not to wait in read() is this descriptor's own way then, and not that of make.
Descriptor open_anew(int number, int flags) {
  return Descriptor(::open(("/proc/self/fd/" + std::to_string(number)).c_str(), flags | O_CLOEXEC));
}

std::pair<Descriptor, Descriptor> open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw SystemError("make a pipe for the jobserver", errno);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace

std::optional<JobserverAddress> jobserver_in(std::string_view makeflags) {
  std::optional<JobserverAddress> found;  // the last one holds, as for make
  for_each_word(makeflags, [&](std::string_view word) {
    if (const auto address = address_in(word)) found = parse_address(*address);
  });
  return found;
}

std::string without_jobserver(std::string_view makeflags) {
  std::string rest;
  for_each_word(makeflags, [&](std::string_view word) {
    if (address_in(word) || is_number_of_jobs(word)) return;
    if (!rest.empty() || word.starts_with('-')) rest += ' ';
    rest += word;
  });
  return rest;
}

std::unique_ptr<JobTokens> JobTokens::of_make() {
  const char* flags = std::getenv(kVariable);
  const std::optional<JobserverAddress> address = jobserver_in(flags != nullptr ? flags : "");
  if (!address) return nullptr;
  const bool by_name = !address->fifo.empty();
  if (by_name || (is_pipe(address->reader) && is_pipe(address->writer))) {
    const auto open = [&](int number, int mode) {
      return by_name ? Descriptor(::open(address->fifo.c_str(), mode | O_CLOEXEC)) : open_anew(number, mode);
    };
    Descriptor reader = open(address->reader, by_name ? O_RDWR | O_NONBLOCK : O_RDONLY | O_NONBLOCK);
    Descriptor writer = open(address->writer, by_name ? O_RDWR : O_WRONLY);
    std::vector<int> for_jobs;
    if (!by_name) for_jobs = {address->reader, address->writer};
    if (reader.get() >= 0 && writer.get() >= 0 && is_pipe(reader.get()))
      return std::unique_ptr<JobTokens>(new JobTokens(std::move(reader), std::move(writer), std::move(for_jobs)));
  }
  std::fputs(
      "prong: make has a jobserver, but it cannot be reached: begin the line in the makefile with '+'; "
      "jobs are started without it\n",
      stderr);
  return nullptr;
}

std::unique_ptr<JobTokens> JobTokens::own(int jobs) {
  auto [reader, writer] = open_pipe();
  const std::string tokens(std::min<std::size_t>(static_cast<std::size_t>(std::max(jobs - 1, 0)), kMostTokens), '+');
  if (::write(writer.get(), tokens.data(), tokens.size()) != static_cast<ssize_t>(tokens.size()))
    throw SystemError("fill the pipe of the jobserver", errno);
  const char* flags = std::getenv(kVariable);
  const std::string with_server = without_jobserver(flags != nullptr ? flags : "") + " -j" + std::to_string(jobs) +
                                  " --jobserver-auth=" + std::to_string(reader.get()) + "," +
                                  std::to_string(writer.get());
  ::setenv(kVariable, with_server.c_str(), 1);
  std::unique_ptr<JobTokens> made(new JobTokens(open_anew(reader.get(), O_RDONLY | O_NONBLOCK),
                                                open_anew(writer.get(), O_WRONLY), {reader.get(), writer.get()}));
  made->own_pipe_.push_back(std::move(reader));
  made->own_pipe_.push_back(std::move(writer));
  return made;
}

JobTokens::JobTokens(Descriptor reader, Descriptor writer, std::vector<int> descriptors)
    : descriptors_(std::move(descriptors)) {
  if (reader.get() < 0 || writer.get() < 0) throw SystemError("open the pipe of the jobserver", errno);
  auto [requests_end, requests] = open_pipe();
  auto [answers, answers_end] = open_pipe();
  ::fcntl(answers.get(), F_SETFL, O_NONBLOCK);
  const pid_t program = ::getpid();
  keeper_ = ::fork();
  if (keeper_ < 0) throw SystemError("fork the keeper of the jobserver's tokens", errno);
  if (keeper_ == 0) become_keeper(requests_end.get(), answers_end.get(), reader.get(), writer.get(), program);
  requests_ = std::move(requests);
  answers_ = std::move(answers);
}

/// Waits until all tokens are back: make, which waits for this program alone, would miss them.
JobTokens::~JobTokens() {
  requests_ = Descriptor();
  while (::waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void JobTokens::hear() {
  std::array<char, 256> answers;
  const ssize_t size = ::read(answers_.get(), answers.data(), answers.size());
  if (size <= 0) return;  // none; or the keeper is gone, and there will be none
  held_ += static_cast<std::size_t>(size);
  asked_ = false;
}

void JobTokens::tell(char request) {
  static_cast<void>(!::write(requests_.get(), &request, 1));
}

bool JobTokens::hold(std::size_t count) {
  hear();
  if (held_ >= count) return true;
  if (!std::exchange(asked_, true)) tell(kWant);
  return false;
}

void JobTokens::keep(std::size_t count) {
  hear();
  for (; held_ > count; --held_) tell(kPutBack);
}

void JobTokens::want_none() {
  if (std::exchange(asked_, false)) tell(kWantNone);
}

}  // namespace prong::cli
