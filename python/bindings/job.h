// prong._core.Job: the base class of prong.Job. A plain C type, so that a job costs one allocation and no Python call.
#pragma once

#include <optional>

#include "handle.h"
#include "python.h"

namespace prong::python {

struct JobObject {
  PyObject_HEAD HandlePtr handle;  ///< null: a job that was never given to a pool
  JobPtr job;
  PyObject* context;  ///< the Python engine: decodes results
};

void add_job_type(nb::module_& module);

/// A new object of `type` (a subclass of prong._core.Job).
nb::object make_job(nb::handle type, HandlePtr handle, JobPtr job, nb::handle context);

/// The value of an outcome of kind "returned", or the encoded exception of "raised".
nb::object contents_tuple(const Payload& payload);
/// The value, if it was not pickled.
std::optional<nb::object> plain_value(const Payload& payload);
/// The value of a job that is done, if it has one that is in one piece; `loads` decodes a pickle. Nothing valid if it
/// has none, or if that cannot be decoded.
nb::object plain_value_of(const Job& job, nb::handle loads);

/// An outcome as a tuple: its name, then what that kind has.
nb::tuple outcome_tuple(const Outcome& outcome);

}  // namespace prong::python
