// prong._core.Job: the base class of prong.Job. A plain C type, so that a job costs one allocation and no Python call.
#pragma once

#include <optional>

#include "handle.h"
#include "python.h"

namespace prong::python {

struct JobObject {
  PyObject_HEAD JobPtr job;  ///< null: it was never given to a pool
  PyObject* context;         ///< the Python engine: has the pool, and decodes results
};

void add_job_type(nb::module_& module);

/// A new object of `type` (a subclass of prong._core.Job).
nb::object make_job(nb::handle type, JobPtr job, nb::handle context);

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
