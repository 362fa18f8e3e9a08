// Faces prong/_worker.py: the runner of a worker, and the loops of worker, template and nursery.
#include "prong/worker.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bindings.h"
#include "buffer.h"
#include "items.h"
#include "prong/nursery.h"

namespace prong::python {

ForkHooks python_fork_hooks() {
  return {.before = PyOS_BeforeFork, .in_parent = PyOS_AfterFork_Parent, .in_child = PyOS_AfterFork_Child};
}

namespace {

/// What left the runner ends the worker. Not PyErr_Print: for SystemExit that would finalize an interpreter whose other
/// threads were lost in the fork, and wait for them for ever.
[[noreturn]] void end_worker(nb::python_error& error) {
  error.restore();
  PyErr_WriteUnraisable(nullptr);
  _exit(1);
}

std::string text_of(nb::handle text) {
  Py_ssize_t size = 0;
  // A lone surrogate cannot be UTF-8; such a text is encoded as Python prints it.
  const nb::object bytes = owned(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "backslashreplace"));
  char* data = nullptr;
  if (PyBytes_AsStringAndSize(bytes.ptr(), &data, &size) != 0) throw nb::python_error();
  return {data, static_cast<std::size_t>(size)};
}

void send_value(ResultSink& sink, nb::bytes pickle, nb::handle buffers) {
  const HeldBuffers held(buffers);
  const EnvelopeParts parts({0, 0, span_of(pickle), held.buffers()});
  nb::gil_scoped_release release;
  sink.returned(parts.parts());
}

void send_exception(ResultSink& sink, nb::handle raised) {
  Raised texts{.type = text_of(raised[0]), .message = text_of(raised[1]), .traceback = text_of(raised[2])};
  for (const nb::handle base : raised[3]) texts.bases.push_back(text_of(base));
  Payload value;
  if (!raised[4].is_none()) value = seal_value(nb::cast<nb::bytes>(raised[4]), raised[5]);
  nb::gil_scoped_release release;
  sink.raised(texts, value.bytes());
}

/// `answer`: bytes (a pickled value), a tuple (pickle, buffers), or a list (type, message, traceback, bases,
/// pickle, buffers).
void send(ResultSink& sink, nb::handle answer) {
  if (PyBytes_CheckExact(answer.ptr())) {
    send_value(sink, nb::borrow<nb::bytes>(answer), nb::none());
  } else if (PyTuple_CheckExact(answer.ptr())) {
    send_value(sink, nb::cast<nb::bytes>(answer[0]), answer[1]);
  } else {
    send_exception(sink, answer);
  }
}

/// What calls with records need of prong._worker.Runner.
struct RecordHooks {
  explicit RecordHooks(const nb::object& runner)
      : callee(runner.attr("callee")),
        encode(runner.attr("encode")),
        failed(runner.attr("failed")),
        no_room(runner.attr("no_room")),
        pack(runner.attr("pack")),
        loads(nb::module_::import_("_pickle").attr("loads")) {}

  nb::object callee;   ///< (token) -> function
  nb::object encode;   ///< (value, function) -> as the answers of run()
  nb::object failed;   ///< (error, traceback, token, function, called) -> list, as of run()
  nb::object no_room;  ///< (size, errno) -> list
  nb::object pack;     ///< (list) -> bytes
  nb::object loads;
};

/// Calls a function with what stands in records.
class RecordCaller {
 public:
  RecordCaller(const RecordHooks& hooks, std::uint32_t token, std::uint16_t shape)
      : hooks_(hooks), token_(token), shape_(shape) {}

  /// With the next record. Leaves the value in record() and rest() and returns None, if it has a form there; else
  /// returns what the call came to as an answer of Runner.run().
  nb::object call(ItemReader& reader) {
    bool called = false;
    record_.clear();
    long_bytes_.reset();
    try {
      nb::object argument = reader.take(hooks_.loads);
      if (function_.is_none()) function_ = hooks_.callee(token_);
      called = true;
      nb::object value = apply(std::move(argument));
      if (record_.add(value.ptr())) return nb::none();
      if (record_.add_head_of_bytes(value.ptr())) {
        long_bytes_ = std::move(value);
        return nb::none();
      }
      return hooks_.encode(value, function_);
    } catch (nb::python_error& error) {
      nb::object trace = error.traceback();
      if (!trace.is_valid()) trace = nb::none();  // what C functions raise has none
      return hooks_.failed(error.value(), trace, token_, function_, called);
    }
  }

  ItemWriter& record() noexcept { return record_; }
  /// What follows the record: long bytes, which are copied only to where the program finds them.
  ByteSpan rest() const { return long_bytes_.is_valid() ? span_of(nb::borrow<nb::bytes>(long_bytes_)) : ByteSpan{}; }

 private:
  nb::object apply(nb::object argument) const {
    if (shape_ == kArguments) return owned(PyObject_Call(function_.ptr(), argument.ptr(), nullptr));
    return owned(PyObject_CallOneArg(function_.ptr(), argument.ptr()));
  }

  static constexpr std::uint16_t kArguments = 0;  ///< see prong/_shapes.py

  const RecordHooks& hooks_;
  std::uint32_t token_;
  std::uint16_t shape_;
  nb::object function_ = nb::none();
  nb::object long_bytes_;
  ItemWriter record_;
};

/// Calls the function of a batch for one item after another.
class BatchRun {
 public:
  BatchRun(const RecordHooks& hooks, const Envelope& batch, ItemSink& sink)
      : hooks_(hooks), caller_(hooks, batch.token, batch.shape), reader_(batch.pickle), sink_(sink) {}

  void run() {
    std::uint32_t at = 0;
    while (const auto number = sink_.next()) {
      for (; at < *number; ++at) reader_.skip();
      ++at;
      const nb::object answer = caller_.call(reader_);
      const ByteSpan rest = caller_.rest();
      answer.is_none() ? send(std::span(&rest, 1)) : put_answer(answer);
    }
  }

 private:
  /// `answer`: as of send() below.
  void put_answer(nb::handle answer) {
    record().clear();
    if (PyBytes_CheckExact(answer.ptr())) {
      const auto pickle = nb::borrow<nb::bytes>(answer);
      if (pickle.size() > kLargestPickle) return put_envelope(pickle, nb::none());
      record().add_pickle(span_of(pickle));
      send({});
    } else if (PyTuple_CheckExact(answer.ptr())) {
      put_envelope(nb::cast<nb::bytes>(answer[0]), answer[1]);
    } else {
      record().add_raised(span_of(nb::cast<nb::bytes>(hooks_.pack(answer))));
      send({});
    }
  }

  void put_envelope(nb::bytes pickle, nb::handle buffers) {
    const HeldBuffers held(buffers);
    const EnvelopeParts parts({0, 0, span_of(pickle), held.buffers()});
    record().add_envelope_head(total_size(parts.parts()));
    send(parts.parts());
  }

  void send(std::span<const ByteSpan> more) {
    std::vector<ByteSpan> parts{record().view()};
    parts.insert(parts.end(), more.begin(), more.end());
    if (const int error = sink_.put(parts)) put_answer(hooks_.no_room(total_size(parts), error));
  }

  ItemWriter& record() noexcept { return caller_.record(); }

  static constexpr std::size_t kLargestPickle = 256 * 1024;

  const RecordHooks& hooks_;
  RecordCaller caller_;
  ItemReader reader_;
  ItemSink& sink_;
};

/// Takes the GIL for as long as it lives, on the one thread that gave it up in `state`.
class Running {
 public:
  explicit Running(PyThreadState*& state) : state_(state) { PyEval_RestoreThread(state_); }
  ~Running() { state_ = PyEval_SaveThread(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  PyThreadState*& state_;
};

/// Hands the engine's requests to prong._worker.Runner. Between them the GIL is free for threads that jobs have left.
class PythonRunner final : public JobRunner {
 public:
  explicit PythonRunner(nb::object runner)
      : run_(runner.attr("run")),
        define_(runner.attr("define")),
        forget_(runner.attr("forget")),
        initialize_(runner.attr("initialize")),
        finalize_(runner.attr("finalize")),
        before_exit_(runner.attr("before_exit")),
        report_stacks_(runner.attr("report_stacks")),
        record_hooks_(runner),
        state_(PyEval_SaveThread()) {}

  void define(DefinitionId id, const Payload& definition) override {
    call([&] {
      const Envelope envelope = open_envelope(definition);
      const Contents contents = contents_of(definition, envelope);
      define_(id, envelope.token, contents.pickle, contents.buffers);
    });
  }
  void forget(DefinitionId id) override {
    call([&] { forget_(id); });
  }

  void run(JobId id, int attempt, const Payload& payload, ResultSink& sink) override {
    call([&] {
      const Envelope envelope = open_envelope(payload);
      if ((envelope.shape & kRecord) != 0) return answer_record(envelope, sink);
      answer(run_, id, attempt, payload, sink);
    });
  }
  void run_items(JobId, const Payload& payload, ItemSink& sink) override {
    call([&] { BatchRun(record_hooks_, open_envelope(payload), sink).run(); });
  }
  void initialize(const Payload& payload, ResultSink& sink) override {
    call([&] { answer(initialize_, 0, 0, payload, sink); });
  }
  void finalize(const Payload& payload, ResultSink& sink) override {
    call([&] { answer(finalize_, 0, 0, payload, sink); });
  }
  void before_exit() override {
    if (PyGILState_Check() == 0) return call([&] { before_exit_(); });
    before_exit_();  // a copy that an item of a batch has forked
  }
  void report_stacks(int signal, int file) override {
    call([&] { report_stacks_(signal, file); });
  }

 private:
  template <typename Body>
  void call(const Body& body) {
    const Running running(state_);
    try {
      body();
    } catch (nb::python_error& error) {
      end_worker(error);
    }
  }

  void answer_record(const Envelope& envelope, ResultSink& sink) const {
    RecordCaller caller(record_hooks_, envelope.token, envelope.shape & ~kRecord);
    ItemReader reader(envelope.pickle);
    const nb::object answer = caller.call(reader);
    if (!answer.is_none()) return send(sink, answer);
    const EnvelopeParts head({0, kRecord, caller.record().view(), {}});
    std::vector<ByteSpan> parts(head.parts().begin(), head.parts().end());
    parts.push_back(caller.rest());
    const nb::gil_scoped_release release;
    sink.returned(parts);
  }

  static void answer(const nb::object& function, JobId id, int attempt, const Payload& payload, ResultSink& sink) {
    const Envelope envelope = open_envelope(payload);
    nb::object result;
    {
      const Contents contents = contents_of(payload, envelope);
      result = function(id, attempt, envelope.token, envelope.shape, contents.pickle, contents.buffers);
    }
    send(sink, result);
  }

  nb::object run_;
  nb::object define_;
  nb::object forget_;
  nb::object initialize_;
  nb::object finalize_;
  nb::object before_exit_;
  nb::object report_stacks_;
  RecordHooks record_hooks_;
  PyThreadState* state_;
};

void serve_worker_python(nb::object runner) {
  // Never returns, so it is never freed.
  serve_worker(*new PythonRunner(std::move(runner)));
}

void serve_template_python(nb::object make_runner, int control_fd) {
  TemplateHooks hooks;
  hooks.fork = python_fork_hooks();
  hooks.runner = [make_runner]() -> JobRunner& {
    try {
      return *new PythonRunner(make_runner());
    } catch (nb::python_error& error) {
      end_worker(error);
    }
  };
  serve_template(hooks, control_fd);
}

/// As template_runner() in pool.cc: nothing may get out of here.
void serve_nursery_python(nb::object run_template) {
  NurseryHooks hooks;
  hooks.fork = python_fork_hooks();
  hooks.run_template = [run_template](int control_fd, const std::vector<std::string>& environment) {
    try {
      run_template(control_fd, environment);
    } catch (nb::python_error& error) {
      end_worker(error);
    }
    _exit(1);
  };
  serve_nursery(hooks);
}

void prepare_nursery_python(std::vector<std::string> arguments, std::vector<std::string> environment) {
  nb::gil_scoped_release release;
  prepare_nursery({std::move(arguments), std::move(environment)});
}

const char* role() {
  switch (role_from_environment()) {
    case Role::kWorker:
      return "worker";
    case Role::kTemplate:
      return "template";
    case Role::kNursery:
      return "nursery";
    case Role::kNone:
      return "";
  }
  return "";
}

}  // namespace

void add_worker(nb::module_& module) {
  module.def("role_from_environment", &role,
             "'worker', 'template', 'nursery' or '': what this process was started for.");
  module.def("in_worker", &in_worker, "True in a worker process, and in what its jobs fork.");
  module.def("serve_worker", &serve_worker_python, "runner"_a, "Runs jobs until told to end. Never returns.");
  module.def("serve_template", &serve_template_python, "make_runner"_a, "control_fd"_a = -1,
             "Forks workers until the launcher is gone. Never returns.");
  module.def("serve_nursery", &serve_nursery_python, "run_template"_a,
             "Branches off pools until the program is gone. Never returns.");
  module.def("prepare_nursery", &prepare_nursery_python, "arguments"_a, "environment"_a,
             "Starts the nursery for pools that name this one, unless it is there.");
  module.def("end_idle_nursery", &end_idle_nursery, nb::call_guard<nb::gil_scoped_release>(),
             "Ends the nursery if no open pool uses it.");
}

}  // namespace prong::python
