// Calls: how the calls of one function become jobs, item by item. User's process; needs the GIL.
#pragma once

#include "bindings.h"
#include "items.h"

namespace prong::python {

/// The calls of a function on a pool, with options. `shape` says what an item is: see prong/_shapes.py.
class Calls {
 public:
  /// `encode(item)`: for an item that has no form of its own in a record: a pickle, or a tuple of pickle, buffers and
  /// needs, or an error.
  Calls(const Core& core, nb::handle options, Function function, std::uint16_t shape, nb::object encode);

  /// The job of one call. Nothing, and `failure` is the error, if the item cannot be encoded.
  std::optional<JobSpec> job(nb::handle item, nb::object& failure);

  // The parts of it, for batches.
  nb::object encode(nb::handle item) const { return encode_(item); }
  static bool is_error(nb::handle encoded);
  JobSpec job_of(nb::handle encoded) const;
  JobSpec batch(const ItemWriter& records, std::uint32_t count) const;

  const HandlePtr& handle() const noexcept { return handle_; }

 private:
  JobSpec job_with(Payload payload, Needs needs) const;

  HandlePtr handle_;
  std::shared_ptr<const JobOptions> options_;
  Function function_;
  std::uint16_t shape_;
  nb::object encode_;
  ItemWriter record_;
};

/// Whether the next job had better not be made before this one is given away: it may have to wait for its memory.
bool holds_shared_memory(const JobSpec& spec) noexcept;

}  // namespace prong::python
