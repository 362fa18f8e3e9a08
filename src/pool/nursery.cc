#include "pool/nursery.h"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "launcher/protocol.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/inheritance.h"
#include "os/socket.h"
#include "os/this_process.h"
#include "os/thread.h"
#include "pool/launcher_path.h"
#include "prong/error.h"
#include "prong/nursery.h"
#include "prong/worker.h"

namespace prong::pool {
namespace {

constexpr int kSocketInKeeper = 3;
constexpr int kPidfdInKeeper = 4;
constexpr int kProgramInKeeper = 5;
constexpr std::int64_t kEndPatience = 200'000'000;  ///< between asking it to end and killing it

/// The process's nursery. Never destroyed: pools may be closed by whatever runs last.
struct Place {
  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<Nursery> nursery;  ///< null: none, or none that may be taken
  std::uint64_t users = 0;           ///< of `nursery`
  bool parking = false;              ///< a thread waits to end it
  MonotonicNs parked_until = 0;
};

alignas(Place) std::byte memory_of_place[sizeof(Place)];

/// A forked child has none: that of its parent serves its parent. It does not touch what it has a copy of.
Place& place() {
  static const bool made = [] {
    new (memory_of_place) Place;
    os::after_fork_in_child([] { new (memory_of_place) Place; });
    return true;
  }();
  (void)made;
  return *std::launder(reinterpret_cast<Place*>(memory_of_place));
}

/// Ends what nobody has taken again in time. A thread of its own, since no pool is left that has one.
void run_parking() {
  os::name_this_thread("prong-parking");
  Place& here = place();
  std::shared_ptr<Nursery> ended;
  std::unique_lock lock(here.mutex);
  while (here.users == 0 && here.nursery != nullptr) {
    const MonotonicNs left = here.parked_until - os::monotonic_now();
    if (left <= 0) break;
    here.changed.wait_for(lock, std::chrono::nanoseconds(left));
  }
  here.parking = false;
  if (here.users == 0) ended = std::exchange(here.nursery, nullptr);
}

/// A pool's hold on the nursery is over.
void put_back(const std::shared_ptr<Nursery>& nursery) noexcept {
  Place& here = place();
  const std::lock_guard lock(here.mutex);
  if (here.nursery != nursery || --here.users > 0) return;
  here.parked_until = os::monotonic_now() + std::chrono::nanoseconds(Nursery::kParked).count();
  if (std::exchange(here.parking, true)) return;
  try {
    os::start_thread(run_parking).detach();
  } catch (const SystemError&) {
    here.parking = false;
    here.nursery.reset();
  }
}

}  // namespace

Nursery::Nursery(const Program& program, std::string key) : key_(std::move(key)), owner_(os::process_id()) {
  auto [ours, theirs] = os::socket_pair();
  const os::Fd own_pidfd = os::open_pidfd(os::process_id());
  const os::Fd file = launcher::write_program(program);
  os::ExecRequest request;
  request.arguments = launcher::to_argv(find_launcher(), {.socket = kSocketInKeeper,
                                                          .program_pidfd = kPidfdInKeeper,
                                                          .program_pid = os::process_id(),
                                                          .nursery_program = kProgramInKeeper});
  request.environment = os::current_environment();
  request.fds = {{kSocketInKeeper, theirs.get()}, {kPidfdInKeeper, own_pidfd.get()}, {kProgramInKeeper, file.get()}};
  request.new_session = true;
  os::ExecFailure failure;
  if (own_pidfd) keeper_ = os::spawn_detached(request, failure);
  if (keeper_ > 0) keeper_pidfd_ = os::open_pidfd(keeper_);
  if (!keeper_pidfd_) throw PoolError("there can be no nursery");  // a keeper that was started hears that we are gone
  socket_ = std::move(ours);
}

/// Asks it to end, which takes no time unless it is stopped, or still starts.
Nursery::~Nursery() {
  if (owner_ != os::process_id()) return;
  os::stop_sending(socket_.get());
  try {
    if (given_up_ || !os::wait_readable(keeper_pidfd_.get(), os::monotonic_now() + kEndPatience)) give_up();
  } catch (const SystemError&) {
    give_up();
  }
}

bool Nursery::serves(const std::string& key) const noexcept {
  return !given_up_ && key == key_ && os::same_output(keeper_);
}

bool Nursery::start_pool(int peer, const Program& program, std::int64_t sharers_of_cpus) noexcept {
  try {
    const os::Fd file = launcher::write_program(program);
    const int fds[] = {peer, file.get()};
    launcher::Message request{.kind = launcher::MessageKind::kStartPool,
                              .worker = static_cast<std::uint64_t>(sharers_of_cpus)};
    request.pid = os::process_id();
    return os::send_message(socket_.get(), std::as_bytes(std::span(&request, 1)), fds) == os::SendResult::kSent;
  } catch (const SystemError&) {
    return false;
  }
}

void Nursery::give_up() noexcept {
  given_up_ = true;
  os::kill_by_pidfd(keeper_pidfd_, keeper_);  // the interpreter dies with it
}

std::shared_ptr<Nursery> Nursery::take(const Program& program) noexcept {
  if (in_worker()) return nullptr;    // what a job has started is counted: nothing is parked there
  std::shared_ptr<Nursery> replaced;  // dropped without the lock
  try {
    std::optional<std::string> inherited = os::inheritance();
    if (!inherited || !os::same_output(os::process_id())) return nullptr;
    const std::string key = launcher::encode_program({program.arguments, {}}) + *inherited;
    Place& here = place();
    const std::lock_guard lock(here.mutex);
    if (here.nursery == nullptr || !here.nursery->serves(key)) {
      replaced = std::exchange(here.nursery, nullptr);
      here.nursery = std::make_shared<Nursery>(program, key);
      here.users = 0;
    }
    ++here.users;
    here.changed.notify_all();
    return {here.nursery.get(), [held = here.nursery](Nursery*) { put_back(held); }};
  } catch (const std::exception&) {
    return nullptr;
  }
}

void Nursery::end_idle() noexcept {
  std::shared_ptr<Nursery> ended;
  Place& here = place();
  const std::lock_guard lock(here.mutex);
  if (here.users > 0) return;
  ended = std::exchange(here.nursery, nullptr);
  here.changed.notify_all();
}

}  // namespace prong::pool

namespace prong {

void prepare_nursery(const Program& program) noexcept {
  pool::Nursery::take(program).reset();
}

void end_idle_nursery() noexcept {
  pool::Nursery::end_idle();
}

}  // namespace prong
