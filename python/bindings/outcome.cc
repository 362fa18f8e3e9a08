// Outcomes as tuples: (name, what that kind has...). prong/_outcome.py makes them into objects.
#include <chrono>

#include "buffer.h"
#include "items.h"
#include "job.h"

namespace prong::python {
namespace {

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

nb::str text(std::string_view value) {
  return nb::steal<nb::str>(
      owned(PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace")).release());
}

struct ToTuple {
  nb::tuple operator()(const Returned&) const { return nb::make_tuple("returned"); }
  nb::tuple operator()(const Raised& raised) const {
    return nb::make_tuple("raised", text(raised.type), text(raised.message), text(raised.traceback));
  }
  nb::tuple operator()(const Exited& exited) const { return nb::make_tuple("exited", exited.code); }
  nb::tuple operator()(const Signalled& signalled) const {
    return nb::make_tuple("signalled", signalled.number, signalled.core);
  }
  nb::tuple operator()(const TimedOut& timed_out) const {
    const nb::object allowed = timed_out.allowed_bytes != 0 ? nb::object(nb::int_(timed_out.allowed_bytes))
                                                            : nb::object(nb::float_(seconds(timed_out.allowed)));
    return nb::make_tuple("timed_out", text(limit_name(timed_out.limit)), allowed, text(timed_out.stack),
                          timed_out.unconfirmed, text(timed_out.leftovers), timed_out.peak_bytes);
  }
  nb::tuple operator()(const Cancelled& cancelled) const {
    return nb::make_tuple("cancelled", cancelled.while_running);
  }
  nb::tuple operator()(const Lost& lost) const {
    return nb::make_tuple("lost", text(lost_reason_name(lost.reason)), text(lost.detail));
  }
};

}  // namespace

nb::tuple outcome_tuple(const Outcome& outcome) {
  return std::visit(ToTuple{}, outcome);
}

std::optional<nb::object> plain_value(const Payload& payload) {
  if (payload.empty()) return std::nullopt;
  const Envelope envelope = open_envelope(payload.bytes());
  if ((envelope.shape & kRecord) == 0) return std::nullopt;
  return ItemReader(envelope.pickle).take(nb::none());
}

nb::object contents_tuple(const Payload& payload) {
  if (payload.empty()) return nb::none();
  const Contents contents = contents_of(payload, open_envelope(payload.bytes()));
  return nb::make_tuple(contents.pickle, contents.buffers);
}

}  // namespace prong::python
