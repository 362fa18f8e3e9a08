#include "job.h"

#include <new>

#include "bindings.h"
#include "buffer.h"
#include "errors.h"

namespace prong::python {
namespace {

JobObject* cast(PyObject* self) {
  return reinterpret_cast<JobObject*>(self);
}

/// Runs `body` (which returns a new reference) and turns what it throws into a Python error.
template <typename Body>
PyObject* guarded(const Body& body) noexcept {
  try {
    return body().release().ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

/// The object of a job that is in a pool; throws if it never was.
JobObject& pooled(PyObject* self) {
  if (!cast(self)->job) throw nb::type_error("this job was never given to a pool");
  return *cast(self);
}

/// Asked for, not kept: jobs are many, and most of them only give their result.
HandlePtr handle_of(const JobObject& object) {
  return nb::cast<Core&>(nb::handle(object.context).attr("core")).handle;
}

std::optional<double> seconds_from(PyObject* value) {
  if (value == Py_None) return std::nullopt;
  const double seconds = PyFloat_AsDouble(value);
  if (PyErr_Occurred() != nullptr) throw nb::python_error();
  return seconds;
}

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  new (&cast(self)->job) JobPtr();
  cast(self)->context = Py_NewRef(Py_None);
  return self;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->context);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(cast(self)->context);
  return 0;
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  cast(self)->job.~JobPtr();
  type->tp_free(self);
  Py_DECREF(type);
}

// Methods. Their names begin with an underscore where prong.Job wraps them.

PyObject* done(PyObject* self, PyObject*) {
  return guarded([&] { return nb::bool_(pooled(self).job->done()); });
}

PyObject* phase(PyObject* self, PyObject*) {
  return guarded([&] { return nb::int_(static_cast<int>(pooled(self).job->state())); });
}

PyObject* wait(PyObject* self, PyObject* timeout) {
  return guarded([&] {
    const JobObject& object = pooled(self);
    // The wait may outlive the object: a signal handler may drop it.
    const JobPtr job = object.job;
    return nb::bool_(job->done() || handle_of(object)->wait([&] { return job->done(); }, seconds_from(timeout)));
  });
}

PyObject* returned(PyObject* self, PyObject*) {
  return guarded([&]() -> nb::object {
    const JobObject& object = pooled(self);
    const Payload* value = object.job->value();
    if (value == nullptr) return nb::none();
    if (const auto plain = plain_value(*value)) return nb::make_tuple(*plain);
    return contents_tuple(*value);
  });
}

PyObject* raised(PyObject* self, PyObject*) {
  return guarded([&]() -> nb::object {
    const auto* value = std::get_if<Raised>(&pooled(self).job->outcome());
    return value == nullptr ? nb::none() : contents_tuple(value->value);
  });
}

PyObject* outcome(PyObject* self, PyObject*) {
  return guarded([&] { return outcome_tuple(pooled(self).job->outcome()); });
}

PyObject* describe_outcome(PyObject* self, PyObject*) {
  return guarded([&] {
    const std::string line = describe(pooled(self).job->outcome());
    return nb::str(line.c_str(), line.size());
  });
}

nb::object bytes_of(const Payload& payload) {
  const ByteSpan bytes = payload.bytes();
  return nb::bytes(bytes.data(), bytes.size());
}

PyObject* attempts(PyObject* self, PyObject*) {
  return guarded([&] {
    nb::list list;
    for (const Attempt& attempt : pooled(self).job->attempts()) {
      list.append(nb::make_tuple(attempt.number, attempt.worker_pid, attempt.started, attempt.ended,
                                 outcome_tuple(attempt.outcome), attempt.cpu_time.count(), attempt.peak_memory));
    }
    return list;
  });
}

PyObject* outputs(PyObject* self, PyObject*) {
  return guarded([&]() -> nb::object {
    const auto& attempts = pooled(self).job->attempts();
    if (attempts.empty()) return nb::make_tuple(nb::bytes("", 0), nb::bytes("", 0));
    return nb::make_tuple(bytes_of(attempts.back().output), bytes_of(attempts.back().error_output));
  });
}

PyObject* times(PyObject* self, PyObject*) {
  return guarded([&] {
    const Job& job = *pooled(self).job;
    return nb::make_tuple(job.submitted(), job.done() ? job.finished() : 0);
  });
}

PyObject* quarantined(PyObject* self, PyObject*) {
  return guarded([&] { return nb::bool_(pooled(self).job->quarantined()); });
}

PyObject* watch(PyObject* self, PyObject*) {
  return guarded([&] {
    const JobObject& object = pooled(self);
    return nb::bool_(handle_of(object)->watch(object.job, self));
  });
}

PyObject* cancel(PyObject* self, PyObject*) {
  return guarded([&] { return nb::bool_(handle_of(pooled(self))->pool().cancel(cast(self)->job)); });
}

PyObject* kill(PyObject* self, PyObject*) {
  return guarded([&] { return nb::bool_(handle_of(pooled(self))->pool().kill(cast(self)->job)); });
}

PyObject* get_id(PyObject* self, void*) {
  return guarded([&] { return nb::int_(cast(self)->job ? cast(self)->job->id() : 0); });
}

PyObject* get_context(PyObject* self, void*) {
  return Py_NewRef(cast(self)->context);
}

PyMethodDef methods[] = {
    {"done", done, METH_NOARGS, "done($self, /)\n--\n\nTrue once the job is done, in whatever way."},
    {"_phase", phase, METH_NOARGS, "_phase($self, /)\n--\n\n0: queued, 1: dispatched, 2: done."},
    {"_wait", wait, METH_O, "_wait($self, seconds, /)\n--\n\nWaits until the job is done; False: not in time."},
    {"_returned", returned, METH_NOARGS,
     "_returned($self, /)\n--\n\nThe value alone, or its pickle and buffers; None."},
    {"_raised", raised, METH_NOARGS, "_raised($self, /)\n--\n\nThe pickle and buffers of the exception, or None."},
    {"_outcome", outcome, METH_NOARGS, "_outcome($self, /)\n--\n\nThe outcome as a tuple."},
    {"_describe", describe_outcome, METH_NOARGS, "_describe($self, /)\n--\n\nThe outcome as a line of text."},
    {"_attempts", attempts, METH_NOARGS,
     "_attempts($self, /)\n--\n\n(number, pid, started ns, ended ns, outcome, CPU ns, peak bytes) of each attempt."},
    {"_outputs", outputs, METH_NOARGS, "_outputs($self, /)\n--\n\nA command's standard output and error."},
    {"_times", times, METH_NOARGS, "_times($self, /)\n--\n\nWhen submitted and finished, in monotonic ns."},
    {"_quarantined", quarantined, METH_NOARGS, "_quarantined($self, /)\n--\n\nGiven up though it had retries left."},
    {"_watch", watch, METH_NOARGS, "_watch($self, /)\n--\n\nHave _notify called when done; False: done already."},
    {"_cancel", cancel, METH_NOARGS, "_cancel($self, /)\n--\n\nCancels a job that has not started."},
    {"_kill", kill, METH_NOARGS, "_kill($self, /)\n--\n\nCancels a job, also a running one."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef getters[] = {
    {"id", get_id, nullptr, "Number of the job in its pool, from 1.", nullptr},
    {"_context", get_context, nullptr, "The engine that the job belongs to.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A handle on one piece of work given to a pool.")},
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getters},
    {0, nullptr},
};
PyType_Spec spec = {"prong._core.Job", sizeof(JobObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

void add_job_type(nb::module_& module) {
  module.attr("Job") = owned(PyType_FromSpec(&spec));
}

nb::object plain_value_of(const Job& job, nb::handle loads) {
  const Payload* value = job.value();
  if (value == nullptr) return {};
  if (auto plain = plain_value(*value)) return *std::move(plain);
  const Contents contents = contents_of(*value, open_envelope(*value));
  if (!contents.buffers.is_none()) return {};
  try {
    return owned(PyObject_CallOneArg(loads.ptr(), contents.pickle.ptr()));
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_Exception) && !error.matches(PyExc_SystemExit)) throw;
    return {};
  }
}

nb::object make_job(nb::handle type, JobPtr job, nb::handle context) {
  nb::object self = owned(create(reinterpret_cast<PyTypeObject*>(type.ptr()), nullptr, nullptr));
  cast(self.ptr())->job = std::move(job);
  Py_XSETREF(cast(self.ptr())->context, context.inc_ref().ptr());
  return self;
}

}  // namespace prong::python
