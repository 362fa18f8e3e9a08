// Faces prong/_engine.py: the pool, submission of single jobs, and what the workers are told.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <unistd.h>

#include "bindings.h"
#include "buffer.h"
#include "items.h"
#include "job.h"
#include "prong/shared_memory.h"

namespace prong::python {
namespace {

StartKind start_kind(const std::string& name) {
  if (name == "fresh") return StartKind::kFresh;
  if (name == "fork") return StartKind::kFork;
  if (name == "spawn") return StartKind::kSpawn;
  if (name == "command") return StartKind::kCommand;
  throw nb::value_error("start must be 'fresh', 'fork', 'spawn' or 'command'");
}

/// Runs the template in the forked child. Nothing may get out of here: the frames above belong to the program.
std::function<void(int)> template_runner(std::shared_ptr<nb::object> function) {
  return [function](int control_fd) {
    try {
      (*function)(control_fd);
    } catch (nb::python_error& error) {
      error.restore();
      PyErr_Print();
    } catch (...) {
    }
    _exit(1);
  };
}

/// Calls `function(worker, pid, outcome)`. It must not raise.
std::function<void(const WorkerLoss&)> loss_handler(nb::object function) {
  // Dropped with the pool, perhaps by a thread without the GIL.
  const std::shared_ptr<nb::object> held(new nb::object(std::move(function)), [](nb::object* object) {
    if (!Py_IsInitialized()) return;
    nb::gil_scoped_acquire acquire;
    delete object;
  });
  return [held](const WorkerLoss& loss) {
    note_in_watcher();
    nb::gil_scoped_acquire acquire;
    try {
      (*held)(loss.worker, loss.pid, outcome_tuple(loss.outcome));
    } catch (nb::python_error& error) {
      error.discard_as_unraisable("on_worker_lost");
    }
  };
}

Core make_core(int workers, const std::string& start, std::vector<std::string> arguments,
               std::vector<std::string> environment, std::vector<std::string> nursery_arguments,
               std::vector<std::string> nursery_environment, int max_jobs_per_worker, std::uint64_t max_worker_memory,
               double max_worker_age, double idle_timeout, int min_workers, double budget, double stall,
               double start_timeout, nb::object on_worker_lost, bool start_early, double grace, nb::handle initializer,
               nb::handle finalizer, double initializer_timeout, double finalizer_timeout, nb::object fork_template,
               bool track_jobs) {
  PoolOptions options;
  options.workers = workers;
  options.start = start_kind(start);
  options.program = {std::move(arguments), std::move(environment)};
  options.nursery = {std::move(nursery_arguments), std::move(nursery_environment)};
  options.max_jobs_per_worker = max_jobs_per_worker;
  options.max_worker_memory = max_worker_memory;
  options.max_worker_age = duration(max_worker_age);
  options.idle_timeout = duration(idle_timeout);
  options.min_workers = min_workers;
  options.budget = duration(budget);
  options.stall = duration(stall);
  options.start_timeout = duration(start_timeout);
  if (!on_worker_lost.is_none()) options.on_worker_lost = loss_handler(std::move(on_worker_lost));
  options.start_early = start_early;
  options.grace = duration(grace);
  if (!initializer.is_none()) options.initializer = nb::cast<const Sealed&>(initializer).payload;
  if (!finalizer.is_none()) options.finalizer = nb::cast<const Sealed&>(finalizer).payload;
  options.initializer_timeout = duration(initializer_timeout);
  options.finalizer_timeout = duration(finalizer_timeout);
  const auto shared_template = std::make_shared<nb::object>(std::move(fork_template));
  if (options.start == StartKind::kFork) {
    options.fork_template = template_runner(shared_template);
    options.fork_hooks = python_fork_hooks();
  }
  Core core{make_handle(std::move(options), track_jobs)};
  // The fork is made. What the function refers to may refer to the pool: a cycle that no garbage collector sees.
  shared_template->reset();
  return core;
}

JobSpec make_spec(nb::handle options, Payload payload, Needs needs) {
  JobSpec spec;
  spec.payload = std::move(payload);
  spec.needs = std::move(needs);
  spec.options = options_of(options);
  return spec;
}

nb::object add_job(Core& core, nb::handle type, nb::handle context, JobSpec spec) {
  JobPtr job = core.handle->pool().submit(std::move(spec));
  core.handle->track(job);
  return make_job(type, std::move(job), context);
}

nb::object submit(Core& core, nb::handle type, nb::handle context, nb::handle options, const Function& function,
                  std::uint16_t shape, nb::bytes pickle, nb::handle buffers, nb::handle needs) {
  JobSpec spec = make_spec(options, seal_call(function.token, shape, pickle, buffers), needs_of(function, needs));
  return add_job(core, type, context, std::move(spec));
}

/// None if one of the arguments has to be pickled.
nb::object submit_record(Core& core, nb::handle type, nb::handle context, nb::handle options, const Function& function,
                         nb::typed<nb::tuple, nb::object, nb::ellipsis> arguments) {
  ItemWriter record;
  if (!record.add(arguments.ptr())) return nb::none();
  constexpr std::uint16_t kArguments = 0;  // see prong/_shapes.py
  const Envelope envelope{function.token, kArguments | kRecord, record.view(), {}};
  return add_job(core, type, context, make_spec(options, seal(envelope), function.needs));
}

nb::object submit_sealed(Core& core, nb::handle type, nb::handle context, nb::handle options, const Sealed& sealed) {
  return add_job(core, type, context, make_spec(options, sealed.payload, {}));
}

nb::dict stats(Core& core) {
  const PoolStats stats = core.handle->pool().stats();
  nb::dict dict;
  dict["submitted"] = stats.submitted;
  dict["finished"] = stats.finished;
  dict["queued"] = stats.queued;
  dict["dispatched"] = stats.dispatched;
  dict["workers_started"] = stats.workers_started;
  dict["workers_lost"] = stats.workers_lost;
  dict["launcher_pid"] = stats.launcher_pid;
  const SharedMemoryUse use = shared_memory_use();
  dict["argument_bytes"] = use.argument_bytes;
  dict["result_bytes"] = use.result_bytes;
  dict["kept_bytes"] = use.kept_bytes;
  dict["spilled_bytes"] = use.spilled_bytes;
  return dict;
}

/// `spill`: a folder or None.
void limit_memory(std::uint64_t bytes, double wait, std::optional<std::string> spill) {
  SharedMemoryLimit limit{.bytes = bytes, .wait = duration(wait), .spill_folder = spill.value_or("")};
  limit.interrupted = [] {
    const nb::gil_scoped_acquire acquire;
    return PyErr_CheckSignals() != 0;
  };
  limit_shared_memory(std::move(limit));
}

nb::list workers(Core& core) {
  nb::list list;
  for (const WorkerInfo& worker : core.handle->pool().workers()) {
    list.append(nb::make_tuple(worker.id, worker.pid, worker.state, worker.jobs_done));
  }
  return list;
}

/// (outcome, contents of its value or None) of each finalizer.
nb::list finalizer_outcomes(Core& core) {
  nb::list list;
  for (const Outcome& outcome : core.handle->pool().finalizer_outcomes()) {
    const auto* value = std::get_if<Returned>(&outcome);
    list.append(nb::make_tuple(outcome_tuple(outcome), value == nullptr ? nb::none() : contents_tuple(value->value)));
  }
  return list;
}

Told define(Core& core, std::uint32_t token, nb::bytes pickle, nb::handle buffers) {
  return {core.handle->pool().define(seal_call(token, 0, pickle, buffers))};
}

}  // namespace

Needs needs_of(const Function& function, nb::handle extra) {
  if (extra.is_none()) return function.needs;
  std::vector<DefinitionPtr> needs;
  if (function.needs) needs = *function.needs;
  for (const nb::handle each : extra) needs.push_back(nb::cast<const Told&>(each).definition);
  return std::make_shared<const std::vector<DefinitionPtr>>(std::move(needs));
}

void add_pool(nb::module_& module) {
  nb::class_<Told>(module, "Told",
                   "A definition that workers are told. They forget it when nobody has this, and no job.");
  nb::class_<Function>(module, "Function", "A function that workers know under a token.")
      .def(nb::new_([](std::uint32_t token, nb::typed<nb::list, Told> needs) {
             return Function{token, nb::len(needs) == 0 ? nullptr : needs_of({}, needs)};
           }),
           "token"_a, "needs"_a)
      .def_ro("token", &Function::token);
  nb::class_<Sealed>(module, "Sealed", "An encoded call or command.");
  module.def(
      "seal",
      [](std::uint32_t token, std::uint16_t shape, nb::bytes pickle, nb::handle buffers) {
        return Sealed{seal_call(token, shape, pickle, buffers)};
      },
      "token"_a, "shape"_a, "pickle"_a, "buffers"_a.none());

  module.def("limit_shared_memory", &limit_memory, "bytes"_a, "wait"_a, "spill"_a.none(),
             "0 bytes: half of what there is.");

  constexpr double kUsualWait = 10;
  limit_memory(0, kUsualWait, std::nullopt);  // with the look for Ctrl-C

  nb::class_<Core>(module, "Pool", "The engine's pool: bytes in, outcomes out.")
      .def(nb::new_(&make_core), nb::kw_only(), "workers"_a, "start"_a, "arguments"_a, "environment"_a,
           "nursery_arguments"_a, "nursery_environment"_a, "max_jobs_per_worker"_a, "max_worker_memory"_a,
           "max_worker_age"_a, "idle_timeout"_a, "min_workers"_a, "budget"_a, "stall"_a, "start_timeout"_a,
           "on_worker_lost"_a.none(), "start_early"_a, "grace"_a, "initializer"_a.none(), "finalizer"_a.none(),
           "initializer_timeout"_a, "finalizer_timeout"_a, "fork_template"_a.none(), "track_jobs"_a,
           "Durations in seconds, memory in bytes; 0 is no limit.")
      .def("define", &define, "token"_a, "pickle"_a, "buffers"_a.none(),
           "What workers are told before jobs that need it.")
      .def("submit", &submit, "type"_a, "context"_a, "options"_a, "function"_a, "shape"_a, "pickle"_a,
           "buffers"_a.none(), "needs"_a.none())
      .def("submit_record", &submit_record, "type"_a, "context"_a, "options"_a, "function"_a, "arguments"_a,
           "As submit(), for arguments that need no pickle; None if one does.")
      .def("submit_sealed", &submit_sealed, "type"_a, "context"_a, "options"_a, "sealed"_a)
      .def(
          "cancel_queued", [](Core& core) { core.handle->cancel_queued(); }, "Cancels what has not started.")
      .def(
          "close", [](Core& core) { core.handle->pool().close(); }, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "terminate", [](Core& core) { core.handle->pool().terminate(); }, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "join", [](Core& core, std::optional<double> seconds) { return core.handle->join(seconds); },
          "seconds"_a.none(), "Waits until the pool has ended; False: not in time.")
      .def_prop_ro("closed", [](Core& core) { return core.handle->pool().closed(); })
      .def_prop_ro("failure", [](Core& core) { return core.handle->pool().failure(); })
      .def("stats", &stats)
      .def("workers", &workers, "(id, pid, state, jobs done) of each worker.")
      .def("finalizer_outcomes", &finalizer_outcomes);
}

}  // namespace prong::python
