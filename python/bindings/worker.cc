// Faces prong/_worker.py: the runner of a worker, and the loops of worker and template.
#include "prong/worker.h"

#include <nanobind/stl/string.h>

#include <unistd.h>

#include <cstdio>
#include <string>

#include "bindings.h"
#include "buffer.h"

namespace prong::python {

int fork_python() {
  PyOS_BeforeFork();
  const int pid = fork();
  if (pid == 0) {
    PyOS_AfterFork_Child();
  } else {
    PyOS_AfterFork_Parent();
  }
  return pid;
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
  const EnvelopeParts parts({0, 0, span_of(pickle), held.spans()});
  nb::gil_scoped_release release;
  sink.returned(parts.parts());
}

void send_exception(ResultSink& sink, nb::handle raised) {
  Raised texts{.type = text_of(raised[0]), .message = text_of(raised[1]), .traceback = text_of(raised[2])};
  for (const nb::handle base : raised[3]) texts.bases.push_back(text_of(base));
  Payload value;
  if (!raised[4].is_none()) value = seal_python(0, 0, nb::cast<nb::bytes>(raised[4]), raised[5]);
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
        initialize_(runner.attr("initialize")),
        finalize_(runner.attr("finalize")),
        before_exit_(runner.attr("before_exit")),
        report_stacks_(runner.attr("report_stacks")),
        state_(PyEval_SaveThread()) {}

  void define(DefinitionId, const Payload& definition) override {
    call([&] {
      const ByteSpan bytes = definition.bytes();
      define_(nb::bytes(bytes.data(), bytes.size()));
    });
  }

  void run(JobId id, int attempt, const Payload& payload, ResultSink& sink) override {
    call([&] { answer(run_, id, attempt, payload, sink); });
  }
  void initialize(const Payload& payload, ResultSink& sink) override {
    call([&] { answer(initialize_, 0, 0, payload, sink); });
  }
  void finalize(const Payload& payload, ResultSink& sink) override {
    call([&] { answer(finalize_, 0, 0, payload, sink); });
  }
  void before_exit() override {
    call([&] { before_exit_(); });
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

  static void answer(const nb::object& function, JobId id, int attempt, const Payload& payload, ResultSink& sink) {
    const Envelope envelope = open_envelope(payload.bytes());
    nb::object result;
    {
      const Contents contents = contents_of(payload, envelope);
      result = function(id, attempt, envelope.token, envelope.shape, contents.pickle, contents.buffers);
    }
    send(sink, result);
  }

  nb::object run_;
  nb::object define_;
  nb::object initialize_;
  nb::object finalize_;
  nb::object before_exit_;
  nb::object report_stacks_;
  PyThreadState* state_;
};

void serve_worker_python(nb::object runner) {
  // Never returns, so it is never freed.
  serve_worker(*new PythonRunner(std::move(runner)));
}

void serve_template_python(nb::object make_runner, int control_fd) {
  TemplateHooks hooks;
  hooks.fork = fork_python;
  hooks.runner = [make_runner]() -> JobRunner& {
    try {
      return *new PythonRunner(make_runner());
    } catch (nb::python_error& error) {
      end_worker(error);
    }
  };
  serve_template(hooks, control_fd);
}

const char* role() {
  switch (role_from_environment()) {
    case Role::kWorker:
      return "worker";
    case Role::kTemplate:
      return "template";
    case Role::kNone:
      return "";
  }
  return "";
}

}  // namespace

void add_worker(nb::module_& module) {
  module.def("role_from_environment", &role, "'worker', 'template' or '': what this process was started for.");
  module.def("in_worker", &in_worker, "True in a worker process, and in what its jobs fork.");
  module.def("serve_worker", &serve_worker_python, "runner"_a, "Runs jobs until told to end. Never returns.");
  module.def("serve_template", &serve_template_python, "make_runner"_a, "control_fd"_a = -1,
             "Forks workers until the launcher is gone. Never returns.");
}

}  // namespace prong::python
