#include "pool/nursery.h"

#include <cstddef>
#include <cstdint>
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
#include "pool/launcher_path.h"
#include "prong/error.h"
#include "prong/nursery.h"
#include "prong/worker.h"

namespace prong::pool {

/// The process's nursery. Never destroyed: pools may be closed by whatever runs last.
struct Place {
  std::mutex mutex;
  std::shared_ptr<Nursery> nursery;  ///< null: none, or none that may be taken
  std::uint64_t users = 0;           ///< of `nursery`
  std::int64_t usable_until = 0;     ///< later it may end by itself at any moment
  std::string hopeless;              ///< the key of one that did not do what it was asked for

  void take_or_start(const Program& program, const std::string& key, std::shared_ptr<Nursery>& replaced);
  void put_back(const std::shared_ptr<Nursery>& from);
};

namespace {

constexpr int kSocketInKeeper = 3;
constexpr int kPidfdInKeeper = 4;
constexpr int kProgramInKeeper = 5;
constexpr std::int64_t kEndPatience = 400'000'000;  ///< longer than the keeper's
constexpr std::int64_t kMargin = 100'000'000;       ///< between the last use of a parked one and its end

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

std::int64_t usable_for(std::chrono::nanoseconds time) {
  return os::monotonic_now() + time.count() - kMargin;
}

/// What a nursery for the program has to have as its key now; nothing where there can be none.
std::optional<std::string> key_for(const Program& program) {
  if (in_worker()) return std::nullopt;  // what a job has started is counted: nothing is parked there
  std::optional<std::string> inherited = os::inheritance();
  if (!inherited || !os::same_output(os::process_id())) return std::nullopt;
  return launcher::encode_program({program.arguments, {}}) + *inherited;
}

}  // namespace

void Place::take_or_start(const Program& program, const std::string& key, std::shared_ptr<Nursery>& replaced) {
  if (nursery != nullptr && os::monotonic_now() < usable_until && nursery->serves(key)) return;
  if (key == hopeless) throw PoolError("there was a nursery, and it did not serve");
  replaced = std::exchange(nursery, nullptr);
  users = 0;
  nursery = std::make_shared<Nursery>(program, key);
  usable_until = usable_for(Nursery::kPrepared);
}

void Place::put_back(const std::shared_ptr<Nursery>& from) {
  if (from->given_up_) hopeless = from->key_;
  if (nursery != from || --users > 0) return;
  usable_until = usable_for(Nursery::kParked);
  if (from->given_up_ || !from->tell_no_pools()) nursery.reset();
}

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
  started_at_ = os::monotonic_now();
}

Nursery::~Nursery() {
  if (owner_ == os::process_id()) os::stop_sending(socket_.get());
}

bool Nursery::serves(const std::string& key) const noexcept {
  return !given_up_ && key == key_ && !os::has_ended(socket_.get()) && os::same_output(keeper_);
}

/// What it says then stays unread: whoever asks again sees it, too.
void Nursery::expect_ready() {
  const auto patience = std::chrono::nanoseconds(kStartPatience).count();
  if (!os::wait_readable(socket_.get(), started_at_ + patience)) throw PoolError("the nursery takes long to start");
}

void Nursery::start_pool(int peer, const Program& program, std::int64_t sharers_of_cpus) {
  const os::Fd file = launcher::write_program(program);
  const int fds[] = {peer, file.get()};
  launcher::Message request{.kind = launcher::MessageKind::kStartPool,
                            .worker = static_cast<std::uint64_t>(sharers_of_cpus)};
  request.pid = os::process_id();
  if (os::send_message(socket_.get(), std::as_bytes(std::span(&request, 1)), fds) != os::SendResult::kSent)
    throw PoolError("the nursery has ended");
}

bool Nursery::tell_no_pools() noexcept {
  try {
    launcher::Message message{.kind = launcher::MessageKind::kNoPools};
    message.patience_ns = std::chrono::nanoseconds(kParked).count();
    return os::send_message(socket_.get(), std::as_bytes(std::span(&message, 1))) == os::SendResult::kSent;
  } catch (const SystemError&) {
    return false;
  }
}

void Nursery::give_up() noexcept {
  given_up_ = true;
  os::stop_sending(socket_.get());
}

void Nursery::end() noexcept {
  os::stop_sending(socket_.get());
  try {
    os::wait_readable(keeper_pidfd_.get(), os::monotonic_now() + kEndPatience);
  } catch (const SystemError&) {
    return;
  }
}

std::shared_ptr<Nursery> Nursery::take(const Program& program) noexcept {
  std::shared_ptr<Nursery> replaced;  // dropped without the lock
  try {
    const std::optional<std::string> key = key_for(program);
    if (!key) return nullptr;
    Place& here = place();
    const std::lock_guard lock(here.mutex);
    here.take_or_start(program, *key, replaced);
    const auto put_back = [held = here.nursery](Nursery*) {
      Place& there = place();
      const std::lock_guard lock_there(there.mutex);
      there.put_back(held);
    };
    std::shared_ptr<Nursery> taken(here.nursery.get(), put_back);
    ++here.users;
    here.usable_until = INT64_MAX;
    return taken;
  } catch (const std::exception&) {
    return nullptr;
  }
}

void Nursery::prepare(const Program& program) noexcept {
  std::shared_ptr<Nursery> replaced;
  try {
    const std::optional<std::string> key = key_for(program);
    if (!key) return;
    const std::lock_guard lock(place().mutex);
    place().take_or_start(program, *key, replaced);
  } catch (const std::exception&) {
    return;
  }
}

void Nursery::end_idle() noexcept {
  std::shared_ptr<Nursery> ended;
  {
    const std::lock_guard lock(place().mutex);
    if (place().users == 0) ended = std::exchange(place().nursery, nullptr);
  }
  if (ended) ended->end();
}

}  // namespace prong::pool

namespace prong {

void prepare_nursery(const Program& program) noexcept {
  pool::Nursery::prepare(program);
}

void end_idle_nursery() noexcept {
  pool::Nursery::end_idle();
}

}  // namespace prong
