// For tests that kill processes: children that cannot outlive their test, and memory that tells what they did.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <utility>

namespace prong::test {

/// A forked child that runs `body` and ends with status 0 (by an exception: kThrew), or is killed: at the latest with
/// this object, or by SIGALRM after `kDeadlineS` seconds.
class Child {
 public:
  static constexpr unsigned kDeadlineS = 30;
  static constexpr int kThrew = 99;

  template <typename Body>
  explicit Child(Body body) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::alarm(kDeadlineS);
    ::_exit(run(body));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill(); }

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  /// Whether it has ended; reaps it.
  bool ended() {
    if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
    return pid_ == 0;
  }
  /// Waits for its end.
  int wait() {
    if (pid_ > 0) ::waitpid(std::exchange(pid_, 0), &status_, 0);
    return status_;
  }
  bool was_killed() const { return pid_ == 0 && WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL; }
  bool ended_well() const { return pid_ == 0 && WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

 private:
  // An exception must not reach the test framework: the child would go on with the other tests.
  template <typename Body>
  static int run(Body& body) noexcept {
    try {
      body();
      return 0;
    } catch (...) {
      return kThrew;
    }
  }

  pid_t pid_;
  int status_ = 0;
};

/// A value that all forked processes share.
template <typename Value>
class Shared {
 public:
  Shared() {
    void* address = ::mmap(nullptr, sizeof(Value), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) throw std::bad_alloc();
    value_ = new (address) Value();
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(value_, sizeof(Value)); }

  Value& operator*() const { return *value_; }
  Value* operator->() const { return value_; }

 private:
  Value* value_;
};

/// The test ends by SIGALRM if it lasts longer than this object should.
class Deadline {
 public:
  explicit Deadline(unsigned seconds) { ::alarm(seconds); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { ::alarm(0); }
};

}  // namespace prong::test
