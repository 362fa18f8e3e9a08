// Errors: what Prong throws, as the exceptions of prong/_exceptions.py.
#pragma once

namespace prong::python {

/// Has nanobind translate what bound functions throw.
void add_error_translation();

/// Inside a catch block: sets the Python error for the exception that is being handled.
void set_python_error() noexcept;

}  // namespace prong::python
