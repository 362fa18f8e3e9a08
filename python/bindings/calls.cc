#include "calls.h"

#include <nanobind/stl/vector.h>

#include "buffer.h"

namespace prong::python {

Calls::Calls(const Core& core, nb::handle options, Function function, std::uint16_t shape, nb::object encode)
    : handle_(core.handle),
      options_(options_of(options)),
      function_(std::move(function)),
      shape_(shape),
      encode_(std::move(encode)) {}

std::optional<JobSpec> Calls::job(nb::handle item, nb::object& failure) {
  record_.clear();
  if (record_.add(item.ptr())) {
    const auto shape = static_cast<std::uint16_t>(shape_ | kRecord);
    return job_with(seal({function_.token, shape, record_.view(), {}}), function_.needs);
  }
  nb::object encoded = encode(item);
  if (!is_error(encoded)) return job_of(encoded);
  failure = std::move(encoded);
  return std::nullopt;
}

bool Calls::is_error(nb::handle encoded) {
  return !PyBytes_CheckExact(encoded.ptr()) && !PyTuple_CheckExact(encoded.ptr());
}

JobSpec Calls::job_of(nb::handle encoded) const {
  if (PyBytes_CheckExact(encoded.ptr()))
    return job_with(seal_call(function_.token, shape_, nb::borrow<nb::bytes>(encoded), nb::none()), function_.needs);
  const auto parts = nb::cast<nb::tuple>(encoded);
  return job_with(seal_call(function_.token, shape_, nb::cast<nb::bytes>(parts[0]), parts[1]),
                  needs_of(function_, parts[2]));
}

JobSpec Calls::batch(const ItemWriter& records, std::uint32_t count) const {
  JobSpec spec = job_with(seal({function_.token, shape_, records.view(), {}}), function_.needs);
  spec.items = count;
  return spec;
}

JobSpec Calls::job_with(Payload payload, Needs needs) const {
  JobSpec spec;
  spec.payload = std::move(payload);
  spec.needs = std::move(needs);
  spec.options = options_;
  return spec;
}

bool holds_shared_memory(const JobSpec& spec) noexcept {
  return spec.payload.segment_fd() >= 0 || !spec.payload.attachments().empty();
}

}  // namespace prong::python
