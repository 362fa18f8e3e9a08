// Faces prong/_maps.py: many jobs at once, and jobs in the order in which they are done.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>

#include "bindings.h"
#include "buffer.h"
#include "job.h"

namespace prong::python {
namespace {

/// Jobs in the order in which they are done.
struct Completions {
  HandlePtr handle;
  std::shared_ptr<CompletionQueue> queue = std::make_shared<CompletionQueue>();

  std::vector<JobPtr> take(std::optional<double> seconds) {
    handle->wait([this] { return !queue->empty(); }, seconds);
    return queue->take_all();
  }
};

/// Jobs in the order in which they were submitted.
class Group {
 public:
  Group(HandlePtr handle, std::vector<JobPtr> jobs) : handle_(std::move(handle)), jobs_(std::move(jobs)) {}

  std::size_t size() const noexcept { return jobs_.size(); }
  const JobPtr& at(std::size_t index) const { return jobs_.at(index); }
  nb::object job(nb::handle type, nb::handle context, std::size_t index) const {
    return make_job(type, handle_, jobs_.at(index), context);
  }

  /// Waits until the first `count` jobs are done.
  bool wait(std::size_t count, std::optional<double> seconds) {
    count = std::min(count, jobs_.size());
    return handle_->wait([this, count] { return first_pending(count) == count; }, seconds);
  }

  bool done() { return first_pending(jobs_.size()) == jobs_.size(); }

  std::size_t cancel() {
    std::size_t cancelled = 0;
    for (const JobPtr& job : jobs_) cancelled += handle_->pool().cancel(job) ? 1 : 0;
    return cancelled;
  }

  /// Values of all jobs. `loads` decodes a pickle; `finish(index)` is asked for everything that is not a plain value.
  nb::list results(nb::handle loads, nb::handle finish) const {
    nb::list values;
    for (std::size_t index = 0; index < jobs_.size(); ++index) values.append(result(index, loads, finish));
    return values;
  }

 private:
  std::size_t first_pending(std::size_t count) {
    while (first_pending_ < count && jobs_[first_pending_]->done()) ++first_pending_;
    return std::min(first_pending_, count);
  }

  nb::object result(std::size_t index, nb::handle loads, nb::handle finish) const {
    const auto* returned = std::get_if<Returned>(&jobs_[index]->outcome());
    if (returned == nullptr) return finish(index);
    const Contents contents = contents_of(returned->value, open_envelope(returned->value.bytes()));
    if (!contents.buffers.is_none()) return finish(index);
    return owned(PyObject_CallOneArg(loads.ptr(), contents.pickle.ptr()));
  }

  HandlePtr handle_;
  std::vector<JobPtr> jobs_;
  std::size_t first_pending_ = 0;
};

Payload payload_of(const Function& function, std::uint16_t shape, nb::handle item) {
  if (PyBytes_CheckExact(item.ptr()))
    return seal_python(function.token, shape, nb::borrow<nb::bytes>(item), nb::none());
  const auto parts = nb::cast<nb::tuple>(item);
  return seal_python(function.token, shape, nb::cast<nb::bytes>(parts[0]), parts[1]);
}

std::vector<DefinitionId> needs_of(const Function& function, nb::handle item) {
  std::vector<DefinitionId> needs = function.needs;
  if (PyBytes_CheckExact(item.ptr())) return needs;
  const nb::object extra = nb::cast<nb::tuple>(item)[2];
  if (!extra.is_none()) {
    for (const nb::handle id : extra) needs.push_back(nb::cast<DefinitionId>(id));
  }
  return needs;
}

/// `items`: for each job its pickle, or a tuple of pickle, buffers and needs. Tags count up from `first_tag`.
std::shared_ptr<Group> submit_many(Core& core, nb::handle options, const Function& function, std::uint16_t shape,
                                   nb::list items, std::shared_ptr<Completions> completions, std::uint64_t first_tag) {
  std::vector<JobSpec> specs;
  specs.reserve(nb::len(items));
  const auto shared_options = options_of(options);
  for (const nb::handle item : items) {
    JobSpec& spec = specs.emplace_back();
    spec.payload = payload_of(function, shape, item);
    spec.needs = needs_of(function, item);
    spec.options = shared_options;
    if (completions) spec.completions = completions->queue;
    spec.tag = first_tag++;
  }
  std::vector<JobPtr> jobs = core.handle->pool().submit_all(std::move(specs));
  for (const JobPtr& job : jobs) core.handle->track(job);
  return std::make_shared<Group>(core.handle, std::move(jobs));
}

nb::list take_jobs(Completions& completions, nb::handle type, nb::handle context, std::optional<double> seconds) {
  nb::list jobs;
  for (JobPtr& job : completions.take(seconds)) {
    jobs.append(make_job(type, completions.handle, std::move(job), context));
  }
  return jobs;
}

}  // namespace

void add_groups(nb::module_& module) {
  nb::class_<Completions>(module, "Completions", "Jobs in the order in which they are done.")
      .def(nb::new_([](Core& core) { return std::make_shared<Completions>(Completions{core.handle}); }), "pool"_a)
      .def("take", &take_jobs, "type"_a, "context"_a, "seconds"_a.none(), "Waits for some; [] when the time is up.")
      .def(
          "count", [](Completions& self, std::optional<double> seconds) { return self.take(seconds).size(); },
          "seconds"_a.none(), "As take(), but says only how many.")
      .def("empty", [](Completions& self) { return self.queue->empty(); });

  nb::class_<Group>(module, "Group", "Jobs in the order in which they were submitted.")
      .def("__len__", &Group::size)
      .def("job", &Group::job, "type"_a, "context"_a, "index"_a)
      .def("wait", &Group::wait, "count"_a, "seconds"_a.none(), "Waits until the first jobs are done.")
      .def("done", &Group::done)
      .def("cancel", &Group::cancel, "Cancels what has not started; says how many.")
      .def("results", &Group::results, "loads"_a, "finish"_a);

  module.def("submit_many", &submit_many, "pool"_a, "options"_a, "function"_a, "shape"_a, "items"_a,
             "completions"_a.none(), "first_tag"_a);
}

}  // namespace prong::python
