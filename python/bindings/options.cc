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

RetryPolicy make_policy(int retries, const std::vector<bool>& causes, std::vector<std::string> exceptions,
                        std::vector<int> exit_codes, std::vector<int> signals, int quarantine_after, double backoff,
                        double max_backoff, double jitter) {
  RetryPolicy policy;
  policy.retries = retries;
  policy.on_exception = causes.at(0);
  policy.on_exit = causes.at(1);
  policy.on_signal = causes.at(2);
  policy.on_timeout = causes.at(3);
  policy.on_lost = causes.at(4);
  policy.exceptions = std::move(exceptions);
  policy.exit_codes = std::move(exit_codes);
  policy.signals = std::move(signals);
  policy.quarantine_after = quarantine_after;
  policy.backoff = duration(backoff);
  policy.max_backoff = duration(max_backoff);
  policy.jitter = jitter;
  return policy;
}

SharedOptions make_options(double timeout, double cpu_time, std::uint64_t memory, double queue_time,
                           std::uint64_t output, RetryPolicy retry, int priority, std::string key, bool fresh,
                           bool kill_leftovers) {
  auto options = std::make_shared<JobOptions>();
  options->timeout = duration(timeout);
  options->cpu_time = duration(cpu_time);
  options->memory = memory;
  options->queue_time = duration(queue_time);
  options->output = output;
  options->retry = std::move(retry);
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
  nb::class_<RetryPolicy>(module, "RetryPolicy", "When and how often a failed attempt is followed by another.")
      .def(nb::new_(&make_policy), nb::kw_only(), "retries"_a, "causes"_a, "exceptions"_a, "exit_codes"_a, "signals"_a,
           "quarantine_after"_a, "backoff"_a, "max_backoff"_a, "jitter"_a,
           "causes: whether an exception, exit, signal, time-out, lost worker is tried again. Durations in seconds.");
  nb::class_<SharedOptions>(module, "JobOptions", "Options of a job, checked once and shared by many jobs.")
      .def(nb::new_(&make_options), nb::kw_only(), "timeout"_a, "cpu_time"_a, "memory"_a, "queue_time"_a, "output"_a,
           "retry"_a, "priority"_a, "key"_a, "fresh"_a, "kill_leftovers"_a,
           "Durations in seconds, memory and output in bytes; 0 is no limit.")
      .def_prop_ro("retries", [](const SharedOptions& self) { return self.options->retry.retries; })
      .def_prop_ro("on_exception", [](const SharedOptions& self) { return self.options->retry.on_exception; })
      .def_prop_ro("exceptions", [](const SharedOptions& self) { return self.options->retry.exceptions; });
  module.def("usable_cpus", &usable_cpus, "CPUs this process may really use: affinity and cgroup quota.");
}

}  // namespace prong::python
