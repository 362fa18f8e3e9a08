// What every binding source includes: Python's and nanobind's headers, and short names.
#pragma once

#include <nanobind/nanobind.h>

namespace prong::python {
namespace nb = nanobind;
using namespace nb::literals;

/// Takes over a new reference, or throws the Python error that is set.
inline nb::object owned(PyObject* object) {
  if (object == nullptr) throw nb::python_error();
  return nb::steal(object);
}

}  // namespace prong::python
