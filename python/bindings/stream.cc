// Faces prong/_maps.py: the jobs of a map whose input is read while its results are taken.
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <chrono>
#include <deque>

#include "calls.h"
#include "gathering.h"
#include "job.h"

namespace prong::python {
namespace {

/// Tells whether items come so quickly that one may wait for the next.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  /// To be called when an item has come. False: it shall not wait.
  bool quick() {
    const Clock::time_point now = Clock::now();
    const bool soon = now - ended_ < kQuick;
    credit_ = soon ? std::min(credit_ + 1, 2 * kLeastCredit) : std::max(credit_ - kLeastCredit, 0);
    return soon && credit_ >= kLeastCredit;
  }
  /// To be called when the next one may come.
  void ended() { ended_ = Clock::now(); }

 private:
  static constexpr Clock::duration kQuick = std::chrono::microseconds(20);
  static constexpr int kLeastCredit = 16;  ///< quick ones in turn; one that is not costs as many: the CPU may be lent

  Clock::time_point ended_{};
  int credit_ = 0;
};

/// One thread adds jobs, another one takes them; both have the GIL.
class Stream {
 public:
  Stream(Calls calls, bool in_order)
      : calls_(std::move(calls)),
        gathering_(calls_.handle()->pool()),
        finished_(in_order ? nullptr : std::make_shared<CompletionQueue>()) {}

  /// What becomes of an item's job: submitted at once; or soon, if items come quickly; or by submit().
  enum class When { kNow, kSoon, kLater };
  void add(nb::handle item, When when);
  void submit();
  /// Throws what kept jobs from being submitted, once.
  void check() { gathering_.check(); }

  /// Whether there are, or will be, results of what was added.
  bool available() const noexcept { return added() != given_; }
  /// Items that were added and whose results are not used yet.
  std::uint64_t pending() const noexcept { return added() - used_; }
  /// The results that were given are used.
  void settle() noexcept { used_ = given_; }

  /// Mean of the last ones that were taken.
  double result_bytes() const noexcept { return result_bytes_; }

  nb::object take(std::size_t most, nb::handle append, nb::handle loads, nb::handle type, nb::handle context,
                  std::optional<double> seconds);

  void close();

  bool interrupted = false;  ///< whoever reads is to come back before it reads another item
  bool closed = false;

 private:
  /// A job, or why there is none.
  struct Entry {
    JobPtr job;
    nb::object failure;
  };

  static constexpr std::size_t kMostTogether = 256;  ///< workers begin while the rest is encoded
  static constexpr std::size_t kMostSoon = 32;       ///< the input takes longer
  static constexpr std::size_t kLargestSoon = 4096;  ///< bytes
  static constexpr std::size_t kLeastSweep = 64;

  bool in_order() const noexcept { return finished_ == nullptr; }
  std::uint64_t added() const noexcept { return added_ + gathering_.count(); }
  bool gather(JobSpec spec, When when);
  void submit_for_taker();
  void keep_submitted();
  void keep(JobPtr job);
  void remember(const JobPtr& job);
  bool next_is_done();
  bool wait(std::optional<double> seconds);
  Entry take_front();
  void put_back(Entry entry);
  std::size_t move_values(std::size_t most, nb::handle append, nb::handle loads);

  Calls calls_;
  Gathering gathering_;  ///< jobs that are not kept yet
  Pace pace_;
  std::uint64_t added_ = 0;  ///< but for those
  std::uint64_t given_ = 0;
  std::uint64_t used_ = 0;
  double result_bytes_ = 0;
  std::deque<Entry> entries_;                   ///< to be taken: all that are not, or those that are known to be done
  std::shared_ptr<CompletionQueue> finished_;   ///< of those that are taken as they are done
  std::vector<std::weak_ptr<Job>> unfinished_;  ///< those that may have to be cancelled, and others until a sweep
  std::size_t sweep_at_ = kLeastSweep;
};

void Stream::add(nb::handle item, When when) {
  if (when == When::kSoon && !pace_.quick()) when = When::kNow;
  nb::object failure;
  std::optional<JobSpec> spec;
  try {
    spec = calls_.job(item, failure);
  } catch (...) {
    submit();  // what came before shall not be lost
    throw;
  }
  if (closed) return;  // while it was encoded
  if (spec) {
    if (!in_order()) spec->completions = finished_;
    if (!gather(*std::move(spec), when)) submit();
  } else {
    submit();
    entries_.push_back({nullptr, std::move(failure)});
    ++added_;
  }
  pace_.ended();
}

/// False: what was gathered is to be submitted now.
bool Stream::gather(JobSpec spec, When when) {
  const bool alone =
      when == When::kNow || holds_shared_memory(spec) || (when == When::kSoon && spec.payload.size() > kLargestSoon);
  const std::size_t waiting = gathering_.put(std::move(spec), when == When::kSoon && !alone);
  return !alone && waiting < (when == When::kSoon ? kMostSoon : kMostTogether);
}

void Stream::submit() {
  if (closed) gathering_.drop();
  submit_for_taker();
  check();
}

/// What fails is told to who reads, or once there is nothing more to take.
void Stream::submit_for_taker() {
  gathering_.submit();
  keep_submitted();
}

void Stream::keep_submitted() {
  for (JobPtr& job : gathering_.take_submitted()) keep(std::move(job));
}

void Stream::keep(JobPtr job) {
  calls_.handle()->track(job);
  ++added_;
  if (in_order()) {
    entries_.push_back({std::move(job), {}});
  } else {
    remember(job);
  }
}

void Stream::remember(const JobPtr& job) {
  if (unfinished_.size() >= sweep_at_) {
    std::erase_if(unfinished_, [](const std::weak_ptr<Job>& one) {
      const JobPtr known = one.lock();
      return !known || known->done();
    });
    sweep_at_ = kLeastSweep + 2 * unfinished_.size();
  }
  unfinished_.push_back(job);
}

/// Waits until the next job may be done; false: not in time.
bool Stream::wait(std::optional<double> seconds) {
  if (!in_order()) return calls_.handle()->wait([queue = finished_] { return !queue->empty(); }, seconds);
  const JobPtr first = entries_.front().job;
  return calls_.handle()->wait([&] { return first->done(); }, seconds);
}

bool Stream::next_is_done() {
  if (!in_order() && entries_.empty()) {
    for (JobPtr& job : finished_->take_all()) entries_.push_back({std::move(job), {}});
  }
  return !entries_.empty() && (!entries_.front().job || entries_.front().job->done());
}

/// Before anything is decoded: that may run code that takes the next one.
Stream::Entry Stream::take_front() {
  Entry entry = std::move(entries_.front());
  entries_.pop_front();
  ++given_;
  const Payload* value = entry.job ? entry.job->value() : nullptr;
  if (value != nullptr) result_bytes_ += (static_cast<double>(value->size()) - result_bytes_) / 8;
  return entry;
}

void Stream::put_back(Entry entry) {
  entries_.push_front(std::move(entry));
  --given_;
}

/// Appends the values of at most so many jobs; as many as are done and have a value that is plainly decoded.
std::size_t Stream::move_values(std::size_t most, nb::handle append, nb::handle loads) {
  std::size_t moved = 0;
  for (; moved < most && next_is_done(); ++moved) {
    Entry entry = take_front();
    nb::object value;
    try {
      if (entry.job) value = plain_value_of(*entry.job, loads);
    } catch (...) {
      put_back(std::move(entry));
      throw;
    }
    if (!value.is_valid()) {
      put_back(std::move(entry));
      break;
    }
    append(value);
  }
  return moved;
}

/// How many values were appended (0: another one was faster); or one job that has no plain value, or the error that
/// kept it from being made; or None: there was nothing in time. What was given before is used; the first of these is,
/// too.
nb::object Stream::take(std::size_t most, nb::handle append, nb::handle loads, nb::handle type, nb::handle context,
                        std::optional<double> seconds) {
  settle();
  submit_for_taker();
  const std::uint64_t before = given_;
  if (available() && !next_is_done() && !wait(seconds)) return nb::none();
  const std::size_t moved = move_values(most, append, loads);
  if (moved > 0 || !next_is_done()) {
    used_ = std::min(before + 1, given_);
    return nb::int_(moved);
  }
  Entry entry = take_front();
  settle();
  return entry.job ? make_job(type, std::move(entry.job), context) : std::move(entry.failure);
}

/// Takes no more calls, and cancels the jobs that have not started.
void Stream::close() {
  closed = true;
  gathering_.drop();
  keep_submitted();
  std::vector<JobPtr> jobs;
  for (const Entry& entry : entries_) {
    if (entry.job) jobs.push_back(entry.job);
  }
  for (const std::weak_ptr<Job>& one : unfinished_) {
    if (JobPtr job = one.lock()) jobs.push_back(std::move(job));
  }
  for (const JobPtr& job : jobs) calls_.handle()->pool().cancel(job);
}

using StreamPtr = std::shared_ptr<Stream>;

struct StreamOwner {
  StreamPtr stream;
};

/// Reads the input. Does not own the stream, and so not the pool: an item may be awaited when nobody wants it any more.
class Feeder {
 public:
  explicit Feeder(const StreamOwner& owner) : stream_(owner.stream) {}

  /// Adds an item, which is submitted at once, or soon if items come quickly. False if no more shall be read before
  /// somebody was asked: who reads is wanted, so many are pending, or nobody wants any.
  bool add(nb::handle item, std::uint64_t most) const {
    const StreamPtr stream = stream_.lock();
    if (!stream || stream->closed) return false;
    stream->add(item, Stream::When::kSoon);
    if (!stream->interrupted && stream->pending() < most) return true;
    stream->submit();
    return false;
  }

  /// Adds at most so many items of an iterator that waits for nothing, many together. False if there are no more.
  bool feed(nb::handle iterator, std::uint64_t most) const {
    const StreamPtr stream = stream_.lock();
    for (; stream && !stream->closed && most > 0; --most) {
      const nb::object item = nb::steal(PyIter_Next(iterator.ptr()));
      if (!item.is_valid()) {
        stream->submit();
        if (PyErr_Occurred() != nullptr) throw nb::python_error();
        return false;
      }
      stream->add(item, Stream::When::kLater);
    }
    if (stream) stream->submit();
    return true;
  }

  void submit() const {
    if (const StreamPtr stream = stream_.lock()) stream->submit();
  }

  void interrupt(bool wanted) const {
    if (const StreamPtr stream = stream_.lock()) stream->interrupted = wanted;
  }

  void settle() const {
    if (const StreamPtr stream = stream_.lock()) stream->settle();
  }

  /// Throws what kept jobs from being submitted, if there is nothing else.
  bool available() const {
    const StreamPtr stream = stream_.lock();
    if (!stream || stream->available()) return stream != nullptr;
    stream->check();
    return false;
  }

  std::uint64_t pending() const {
    const StreamPtr stream = stream_.lock();
    return stream ? stream->pending() : 0;
  }

  double result_bytes() const {
    const StreamPtr stream = stream_.lock();
    return stream ? stream->result_bytes() : 0;
  }

 private:
  std::weak_ptr<Stream> stream_;
};

StreamOwner make_stream(Core& core, nb::handle options, const Function& function, std::uint16_t shape,
                        nb::object encode, bool in_order) {
  return {std::make_shared<Stream>(Calls(core, options, function, shape, std::move(encode)), in_order)};
}

nb::object take(const StreamOwner& owner, std::size_t most, nb::handle append, nb::handle loads, nb::handle type,
                nb::handle context, std::optional<double> seconds) {
  const StreamPtr stream = owner.stream;
  return stream->take(most, append, loads, type, context, seconds);
}

}  // namespace

void add_streams(nb::module_& module) {
  nb::class_<StreamOwner>(module, "Stream", "The jobs of a map whose input is read while its results are taken.")
      .def(nb::new_(&make_stream), "pool"_a, "options"_a, "function"_a, "shape"_a, "encode"_a, "in_order"_a)
      .def(
          "take", &take, "most"_a, "append"_a, "loads"_a, "type"_a, "context"_a, "seconds"_a.none(),
          "Appends values of jobs that are done, and says how many. Else: the next job, or the error that kept it from "
          "being made. None: not in time.")
      .def(
          "close", [](const StreamOwner& self) { self.stream->close(); },
          "Takes no more, and cancels what has not started.");

  nb::class_<Feeder>(module, "Feeder", "Reads the input of a stream, which it does not own.")
      .def(nb::init<const StreamOwner&>(), "stream"_a)
      .def("add", &Feeder::add, "item"_a, "most"_a,
           "Adds an item, which is submitted at once, or soon if items come quickly. False if no more shall be read "
           "before somebody was asked: who reads is wanted, so many are pending, or nobody wants any.")
      .def("feed", &Feeder::feed, "iterator"_a, "most"_a,
           "Adds at most so many items of an iterator that waits for nothing, many together. False if there are no "
           "more.")
      .def("submit", &Feeder::submit, "Submits what was added; raises what kept it from being submitted before.")
      .def("interrupt", &Feeder::interrupt, "wanted"_a, "Whether who reads is wanted.")
      .def("settle", &Feeder::settle, "The results that were given are used.")
      .def("available", &Feeder::available,
           "Whether there are, or will be, results of what was added. If there are none, raises what kept jobs from "
           "being submitted.")
      .def("pending", &Feeder::pending, "Items that were added and whose results are not used yet.")
      .def("result_bytes", &Feeder::result_bytes, "Mean of the last results that were taken.");
}

}  // namespace prong::python
