// Faces prong/_maps.py: many jobs at once.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <mutex>

#include "buffer.h"
#include "calls.h"
#include "job.h"

namespace prong::python {
namespace {

/// Jobs that are done, to be counted.
struct Completions {
  HandlePtr handle;
  std::shared_ptr<CompletionQueue> queue = std::make_shared<CompletionQueue>();

  std::size_t count(std::optional<double> seconds) {
    handle->wait([this] { return !queue->empty(); }, seconds);
    return queue->take_all().size();
  }
};

/// A part of another payload.
class Slice final : public PayloadStorage {
 public:
  Slice(Payload whole, ByteSpan part) : whole_(std::move(whole)), part_(part) {}
  ByteSpan bytes() const override { return part_; }
  std::size_t size() const noexcept override { return part_.size(); }

 private:
  Payload whole_;
  ByteSpan part_;
};

/// Copied only where what is in it would not be aligned as it was in memory.
Payload part_of(const Payload& whole, ByteSpan part) {
  constexpr std::uintptr_t kAlignment = 16;
  if (reinterpret_cast<std::uintptr_t>(part.data()) % kAlignment != 0) return Payload::copy_of(part);
  return Payload(std::make_shared<Slice>(whole, part));
}

/// An outcome of one item, as it stands in the results of a batch.
Outcome outcome_of_record(ItemReader& record, const Payload& piece) {
  const nb::module_ pickle_module = nb::module_::import_("pickle");
  const nb::object loads = pickle_module.attr("loads");
  if (const auto raised = record.take_raised()) {
    const nb::object parts = loads(nb::bytes(raised->data(), raised->size()));
    Raised outcome{.type = nb::cast<std::string>(parts[0]),
                   .message = nb::cast<std::string>(parts[1]),
                   .traceback = nb::cast<std::string>(parts[2]),
                   .bases = nb::cast<std::vector<std::string>>(parts[3])};
    if (!parts[4].is_none()) outcome.value = seal_value(nb::cast<nb::bytes>(parts[4]), parts[5]);
    return outcome;
  }
  if (const auto envelope = record.take_envelope()) return Returned{part_of(piece, *envelope)};
  if (const auto pickle = record.take_pickle()) return Returned{seal({0, 0, *pickle, {}})};
  const nb::object pickle = pickle_module.attr("dumps")(record.take(loads));
  return Returned{seal_value(nb::cast<nb::bytes>(pickle), nb::none())};
}

/// Goes through the items of a batch that is done, in order.
class BatchReader {
 public:
  explicit BatchReader(JobPtr batch) : job_(std::move(batch)) {}

  /// Goes to the next item. Requires that there is one.
  void next() {
    while (++number_ >= job_->items()->count) {
      job_ = job_->items()->rest;
      number_ = kBefore;
      piece_ = 0;
      reader_.reset();
    }
  }

  const Job& job() const noexcept { return *job_; }
  /// Of the item, in the payload.
  std::uint32_t number() const noexcept { return job_->items()->first + number_; }
  /// The record of the item's result, to be read or skipped; null if it has none: then its outcome is the job's.
  ItemReader* record() {
    const Items& items = *job_->items();
    if (number_ >= items.ended) return nullptr;
    while (!reader_ || reader_->at_end()) reader_.emplace(items.results.at(piece_++).bytes());
    return &*reader_;
  }
  /// What holds the record.
  const Payload& piece() const { return job_->items()->results[piece_ - 1]; }

 private:
  static constexpr std::uint32_t kBefore = UINT32_MAX;  ///< the first item is the next one

  JobPtr job_;
  std::uint32_t number_ = kBefore;
  std::size_t piece_ = 0;
  std::optional<ItemReader> reader_;
};

/// Calls in the order in which they were submitted: jobs, and batches of them.
class Group {
 public:
  explicit Group(HandlePtr handle) : handle_(std::move(handle)) {}

  /// `calls`: of how many the job consists now; 0: it is no batch.
  void add(JobPtr job, std::uint32_t calls = 0) {
    jobs_.push_back({std::move(job), size_, calls != 0});
    size_ += calls != 0 ? calls : 1;
  }

  std::size_t size() const noexcept { return size_; }

  /// The job of one call. Of a batch: requires that it is done.
  nb::object job(nb::handle type, nb::handle context, std::size_t index) {
    if (index >= size_) throw nb::index_error();
    const auto after = std::upper_bound(jobs_.begin(), jobs_.end(), index,
                                        [](std::size_t number, const Entry& entry) { return number < entry.begin; });
    const Entry& entry = *std::prev(after);
    return make_job(type, entry.is_batch ? item_job(entry, index) : entry.job, context);
  }

  bool wait(std::optional<double> seconds) {
    return handle_->wait([this] { return done(); }, seconds);
  }

  /// Without the GIL; threads may share a group.
  bool done() {
    const std::lock_guard lock(mutex_);
    while (awaited_ || pending_ < jobs_.size()) {
      if (!awaited_) awaited_ = jobs_[pending_++].job;
      if (!awaited_->done()) return false;
      awaited_ = awaited_->items() != nullptr ? awaited_->items()->rest : nullptr;
    }
    return true;
  }

  std::size_t cancel() {
    std::size_t cancelled = 0;
    for (const Entry& entry : jobs_) cancelled += handle_->pool().cancel(entry.job) ? 1 : 0;
    return cancelled;
  }

  /// Values of all calls. `loads` decodes a pickle; `finish(index)` is asked for everything that is not a plain value.
  nb::list results(nb::handle loads, nb::handle finish) const {
    nb::list values;
    for (const Entry& entry : jobs_) {
      if (entry.is_batch) {
        add_results(values, entry, loads, finish);
      } else {
        values.append(result(entry, loads, finish));
      }
    }
    return values;
  }

 private:
  struct Entry {
    JobPtr job;
    std::size_t begin;
    bool is_batch;
  };

  std::size_t end(const Entry& entry) const noexcept { return &entry == &jobs_.back() ? size_ : (&entry + 1)->begin; }

  nb::object result(const Entry& entry, nb::handle loads, nb::handle finish) const {
    nb::object value = plain_value_of(*entry.job, loads);
    return value.is_valid() ? std::move(value) : finish(entry.begin);
  }

  void add_results(nb::list& values, const Entry& entry, nb::handle loads, nb::handle finish) const {
    BatchReader reader(entry.job);
    for (std::size_t index = entry.begin; index < end(entry); ++index) {
      reader.next();
      ItemReader* record = reader.record();
      if (record != nullptr && record->at_value()) {
        values.append(loaded([&] { return record->take(loads); }, finish, index));
      } else {
        if (record != nullptr) record->skip();
        values.append(finish(index));
      }
    }
  }

  /// What `load` gives; where it fails, finish() raises what says so.
  template <typename Load>
  static nb::object loaded(const Load& load, nb::handle finish, std::size_t index) {
    try {
      return load();
    } catch (nb::python_error& error) {
      if (!error.matches(PyExc_Exception) && !error.matches(PyExc_SystemExit)) throw;
    }
    return finish(index);
  }

  /// Calls of a batch are asked for one after another, mostly: the place of the last one is kept.
  JobPtr item_job(const Entry& entry, std::size_t index) {
    if (!reader_ || reader_begin_ != entry.begin || reader_index_ > index) {
      reader_.emplace(entry.job);
      reader_begin_ = reader_index_ = entry.begin;
    }
    try {
      return read_item(index);
    } catch (...) {
      reader_.reset();  // who knows where it stands
      throw;
    }
  }

  JobPtr read_item(std::size_t index) {
    for (;;) {
      reader_->next();
      ItemReader* record = reader_->record();
      if (reader_index_++ == index) {
        Outcome outcome = record != nullptr ? outcome_of_record(*record, reader_->piece()) : reader_->job().outcome();
        return reader_->job().item(reader_->number(), std::move(outcome));
      }
      if (record != nullptr) record->skip();
    }
  }

  HandlePtr handle_;
  std::vector<Entry> jobs_;
  std::size_t size_ = 0;
  std::mutex mutex_;         ///< of the next two
  std::size_t pending_ = 0;  ///< all before it are done
  JobPtr awaited_;           ///< the one before it, or what has taken over its last items
  std::optional<BatchReader> reader_;
  std::size_t reader_begin_ = 0;  ///< of its batch
  std::size_t reader_index_ = 0;  ///< of the call that it comes to next
};

/// Submits calls in the order of their items: batches, each as soon as it is full, and jobs of one call.
class Submission {
 public:
  /// `most`: of so many items in a batch; 1: none.
  Submission(Calls calls, std::size_t most, std::shared_ptr<Completions> completions)
      : calls_(std::move(calls)),
        most_(most),
        completions_(std::move(completions)),
        group_(std::make_shared<Group>(calls_.handle())) {}

  /// The error, if the item cannot be encoded.
  nb::object add(nb::handle item) { return most_ == 1 ? add_alone(item) : add_to_batch(item); }

  std::shared_ptr<Group> finish() {
    end_batch();
    submit_jobs();
    return group_;
  }

  void cancel() { group_->cancel(); }

 private:
  static constexpr std::size_t kLargestItem = 32 * 1024;
  static constexpr std::size_t kLargestBatch = 128 * 1024;
  static constexpr std::size_t kSlice = 256;  ///< workers begin while the rest is encoded

  nb::object add_alone(nb::handle item) {
    nb::object failure;
    if (auto spec = calls_.job(item, failure)) add_job(*std::move(spec));
    return failure;
  }

  nb::object add_to_batch(nb::handle item) {
    if (!batch_.add(item.ptr())) {
      nb::object encoded = calls_.encode(item);
      if (Calls::is_error(encoded)) return encoded;
      if (!PyBytes_CheckExact(encoded.ptr()) || nb::len(encoded) > kLargestItem) {
        end_batch();
        add_job(calls_.job_of(encoded));
        return {};
      }
      batch_.add_pickle(span_of(nb::borrow<nb::bytes>(encoded)));
    }
    if (++count_ == most_ || batch_.size() >= kLargestBatch) end_batch();
    return {};
  }

  void end_batch() {
    if (count_ == 0) return;
    submit_jobs();
    group_->add(calls_.handle()->pool().submit(calls_.batch(batch_, count_)), count_);
    count_ = 0;
    batch_.clear();
  }

  void add_job(JobSpec spec) {
    if (completions_) spec.completions = completions_->queue;
    jobs_.push_back(std::move(spec));
    if (jobs_.size() == kSlice || holds_shared_memory(jobs_.back())) submit_jobs();
  }

  void submit_jobs() {
    if (jobs_.empty()) return;
    for (JobPtr& job : calls_.handle()->pool().submit_all(std::exchange(jobs_, {}))) {
      calls_.handle()->track(job);
      group_->add(std::move(job));
    }
  }

  Calls calls_;
  std::size_t most_;
  std::shared_ptr<Completions> completions_;
  std::shared_ptr<Group> group_;
  std::vector<JobSpec> jobs_;  ///< to be submitted
  ItemWriter batch_;           ///< to be submitted, after them
  std::uint32_t count_ = 0;
};

bool takes_batches(Core& core, nb::handle options) {
  const auto job_options = options_of(options);
  return may_be_batches(job_options ? *job_options : JobOptions(), core.handle->pool().options());
}

/// Items that cannot be encoded go to `failures`: the error, by index.
std::shared_ptr<Group> submit_items(Core& core, nb::handle options, const Function& function, std::uint16_t shape,
                                    nb::handle items, nb::object encode, nb::typed<nb::dict, int, nb::object> failures,
                                    std::size_t most, std::shared_ptr<Completions> completions) {
  Submission submission(Calls(core, options, function, shape, std::move(encode)), most, std::move(completions));
  std::size_t index = 0;
  try {
    for (const nb::handle item : nb::iter(items)) {
      if (const nb::object error = submission.add(item); error.is_valid()) failures[nb::int_(index)] = error;
      ++index;
    }
    return submission.finish();
  } catch (...) {
    submission.cancel();  // nobody will look at what was submitted before
    throw;
  }
}

}  // namespace

void add_groups(nb::module_& module) {
  nb::class_<Completions>(module, "Completions", "Jobs that are done, to be counted.")
      .def(nb::new_([](Core& core) { return std::make_shared<Completions>(Completions{core.handle}); }), "pool"_a)
      .def("count", &Completions::count, "seconds"_a.none(), "Waits for some; says how many. 0 when the time is up.");

  nb::class_<Group>(module, "Group", "Calls in the order in which they were submitted.")
      .def("__len__", &Group::size)
      .def("job", &Group::job, "type"_a, "context"_a, "index"_a)
      .def("wait", &Group::wait, "seconds"_a.none(), "Waits until all are done; False: not in time.")
      .def("done", &Group::done)
      .def("cancel", &Group::cancel, "Cancels what has not started; says how many.")
      .def("results", &Group::results, "loads"_a, "finish"_a);

  module.def("takes_batches", &takes_batches, "pool"_a, "options"_a, "Whether jobs with these options can be batches.");
  module.def("submit_items", &submit_items, "pool"_a, "options"_a, "function"_a, "shape"_a, "items"_a, "encode"_a,
             "failures"_a, "most"_a, "completions"_a.none(),
             "Submits a call for each item, in batches of at most so many.");
}

}  // namespace prong::python
