#include "engine/text_runner.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "os/stacks.h"

namespace prong::test {
namespace {

[[noreturn]] void hang() {
  for (;;) ::pause();
}

[[noreturn]] void burn() {
  for (std::atomic<unsigned> i = 0;;) i.fetch_add(1, std::memory_order_relaxed);
}

void die_by(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  ::_exit(99);
}

void start_family(const std::string& file) {
  if (::fork() == 0) {
    if (::fork() == 0) {
      ::setsid();
      ::signal(SIGTERM, SIG_IGN);
      std::ofstream(file + ".part") << ::getpid() << std::flush;
      std::filesystem::rename(file + ".part", file);
      hang();
    }
    ::_exit(0);
  }
}

}  // namespace

void TextRunner::run(JobId, int attempt, const Payload& payload, ResultSink& sink) {
  const std::string text(payload.text().substr(0, 4096));
  const std::size_t space = text.find(' ');
  const std::string verb = text.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : text.substr(space + 1);
  std::string answer;
  if (verb == "echo") answer = rest;
  if (verb == "pid") answer = std::to_string(::getpid());
  if (verb == "big") answer.assign(std::stoul(rest), 'x');
  if (verb == "size") answer = std::to_string(payload.size());
  if (verb == "crash") die_by(std::stoi(rest));
  if (verb == "exit") ::_exit(std::stoi(rest));
  if (verb == "hang") hang();
  if (verb == "attempt") answer = std::to_string(attempt);
  if (verb == "defined") answer = definitions_[static_cast<DefinitionId>(std::stoul(rest))];
  if (verb == "initialized") answer = initialized_;
  if (verb == "stubborn") {
    ::signal(SIGTERM, SIG_IGN);
    hang();
  }
  if (verb == "family") {
    start_family(rest);
    hang();
  }
  if (verb == "flaky" && attempt < std::stoi(rest)) die_by(SIGKILL);
  if (verb == "fork") {
    if (const pid_t copy = ::fork(); copy > 0) ::waitpid(copy, nullptr, 0);
    answer = "once";
  }
  if (verb == "arrive") {
    std::ofstream(rest + ".here") << "here";
    while (!std::filesystem::exists(rest)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (verb == "wait") {
    while (!std::filesystem::exists(rest)) std::this_thread::yield();
  }
  if (verb == "count") {
    const int file = ::open(rest.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (::write(file, "x\n", 2) != 2) ::_exit(98);
    ::close(file);
  }
  if (verb == "burn") burn();
  if (verb == "burn-below") {
    if (::fork() == 0) burn();
    hang();
  }
  if (verb == "grow") {
    std::vector<char> memory(std::stoul(rest) << 20, 'x');
    hang();
  }
  if (verb == "keep") {
    static std::vector<char> kept;
    std::vector<char>(std::stoul(rest) << 20, 'x').swap(kept);
    answer = "kept";
  }
  if (verb == "nap") std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(rest)));
  if (verb == "mute") {
    ::signal(os::stack_signal(), SIG_IGN);
    hang();
  }
  if (verb == "deaf") {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    hang();
  }
  if (verb == "stop") {
    ::raise(SIGSTOP);
    hang();
  }
  if (verb == "raise")
    return sink.raised({.type = "test.Error", .message = rest, .traceback = "a traceback", .bases = {"test.Base"}},
                       as_bytes("encoded"));
  const ByteSpan parts[] = {as_bytes(answer)};
  sink.returned(parts);
}

namespace {

/// Makes the result of a job a line.
class LineSink final : public ResultSink {
 public:
  void returned(std::span<const ByteSpan> parts) override {
    for (const ByteSpan part : parts) line.append(reinterpret_cast<const char*>(part.data()), part.size());
  }
  void raised(const Raised& raised, ByteSpan) override { line = "!" + raised.message; }
  std::string line;
};

}  // namespace

void TextRunner::run_items(JobId id, const Payload& payload, ItemSink& sink) {
  std::vector<std::string> lines;
  std::istringstream text{std::string(payload.text())};
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  while (const auto number = sink.next()) {
    LineSink result;
    run(id + *number, 1, Payload::copy_of(lines.at(*number)), result);
    result.line += "\n";
    const ByteSpan parts[] = {as_bytes(result.line)};
    sink.put(parts);
  }
}

void TextRunner::initialize(const Payload& payload, ResultSink& sink) {
  initialized_ = payload.text();
  if (initialized_ == "crash") die_by(SIGKILL);
  if (initialized_ == "raise")
    return sink.raised({.type = "test.Error", .message = "no database", .traceback = "where it was"}, {});
  sink.returned({});
}

void TextRunner::finalize(const Payload& payload, ResultSink& sink) {
  if (payload.text() == "hang") hang();
  const std::string answer = "bye " + std::to_string(::getpid());
  const ByteSpan parts[] = {as_bytes(answer)};
  sink.returned(parts);
}

namespace {

TextRunner& the_runner() {
  static TextRunner runner;
  return runner;
}

[[noreturn]] void serve_text_template(int control) {
  TemplateHooks hooks;
  hooks.runner = []() -> JobRunner& { return the_runner(); };
  serve_template(hooks, control);
}

}  // namespace

PoolOptions text_pool(StartKind kind, int workers) {
  PoolOptions options;
  options.workers = workers;
  options.start = kind;
  options.program.arguments = {"/proc/self/exe"};
  if (kind == StartKind::kFork) options.fork_template = [](int control) { serve_text_template(control); };
  if (kind == StartKind::kFresh || kind == StartKind::kSpawn)
    options.program.arguments = {std::filesystem::read_symlink("/proc/self/exe")};
  options.grace = std::chrono::milliseconds(50);
  return options;
}

void serve_if_asked() {
  switch (role_from_environment()) {
    case Role::kNursery:
    case Role::kNone:
      return;
    case Role::kWorker:
      serve_worker(the_runner());
    case Role::kTemplate:
      serve_text_template(-1);
  }
}

}  // namespace prong::test
