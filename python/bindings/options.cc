// Faces prong/_options.py: options as values that the engine takes.
#include <cmath>

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"

namespace prong::python {

std::chrono::nanoseconds duration(double seconds) {
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

namespace {

struct SharedOptions {
  std::shared_ptr<const JobOptions> options;
};

SharedOptions make_options(double timeout, int retries, const std::vector<bool>& causes, double backoff,
                           double max_backoff, double jitter, int priority, std::string key, bool fresh,
                           bool kill_leftovers) {
  auto options = std::make_shared<JobOptions>();
  options->timeout = duration(timeout);
  options->retry = {retries,      causes.at(0),      causes.at(1),          causes.at(2), causes.at(3),
                    causes.at(4), duration(backoff), duration(max_backoff), jitter};
  options->priority = priority;
  options->key = std::move(key);
  options->fresh = fresh;
  options->leftovers = kill_leftovers ? Leftovers::kKill : Leftovers::kKeep;
  check(*options);
  return {std::move(options)};
}

}  // namespace

std::shared_ptr<const JobOptions> options_of(nb::handle object) {
  return nb::cast<const SharedOptions&>(object).options;
}

void add_options(nb::module_& module) {
  nb::class_<SharedOptions>(module, "JobOptions", "Options of a job, checked once and shared by many jobs.")
      .def(nb::new_(&make_options), nb::kw_only(), "timeout"_a, "retries"_a, "causes"_a, "backoff"_a, "max_backoff"_a,
           "jitter"_a, "priority"_a, "key"_a, "fresh"_a, "kill_leftovers"_a,
           "causes: whether an exception, exit, signal, time-out, lost worker is tried again. Durations in seconds.")
      .def_prop_ro("retries", [](const SharedOptions& self) { return self.options->retry.retries; })
      .def_prop_ro("on_exception", [](const SharedOptions& self) { return self.options->retry.on_exception; });
  module.def("usable_cpus", &usable_cpus, "CPUs this process may really use: affinity and cgroup quota.");
}

}  // namespace prong::python
