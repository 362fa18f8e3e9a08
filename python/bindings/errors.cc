#include "errors.h"

#include <cerrno>

#include "prong/error.h"
#include "python.h"

namespace prong::python {
namespace {

void raise(const char* name, const char* message) {
  const nb::object type = nb::module_::import_("prong._exceptions").attr(name);
  PyErr_SetString(type.ptr(), message);
}

void raise_system_error(const SystemError& error) {
  if (error.error() == EINTR && PyErr_Occurred() != nullptr) return;  // what a signal handler has raised meanwhile
  const nb::object make = nb::module_::import_("prong._exceptions").attr("SystemRefused");
  const nb::object exception = make(error.error(), error.what());
  PyErr_SetObject(make.ptr(), exception.ptr());
}

void translate(const std::exception_ptr& pointer) {
  try {
    std::rethrow_exception(pointer);
  } catch (const SystemError& error) {
    raise_system_error(error);
  } catch (const UsageError& error) {
    raise("UsageError", error.what());
  } catch (const ClosedError& error) {
    raise("PoolClosed", error.what());
  } catch (const PoolError& error) {
    raise("PoolError", error.what());
  } catch (const Error& error) {
    raise("ProngError", error.what());
  }
}

}  // namespace

void add_error_translation() {
  nb::register_exception_translator([](const std::exception_ptr& pointer, void*) { translate(pointer); });
}

void set_python_error() noexcept {
  const std::exception_ptr pointer = std::current_exception();
  try {
    try {
      translate(pointer);
    } catch (nb::python_error& error) {
      error.restore();
    } catch (const nb::builtin_exception& error) {
      PyErr_SetString(PyExc_TypeError, error.what());
    } catch (const std::bad_alloc&) {
      PyErr_NoMemory();
    } catch (const std::exception& error) {
      PyErr_SetString(PyExc_RuntimeError, error.what());
    }
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "an error could not be reported");
  }
}

}  // namespace prong::python
