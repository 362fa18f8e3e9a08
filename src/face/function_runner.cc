#include "face/function_runner.h"

#include <stdio_ext.h>

#include <cstdio>
#include <iostream>

#include "face/thrown.h"
#include "prong/detail/call.h"
#include "prong/registry.h"

namespace prong::face {
namespace {

using detail::InvokeFunction;

InvokeFunction invoker_of(const detail::CodeAddress& address, detail::PlainReader& archive) {
  if (address.image != 0) return reinterpret_cast<InvokeFunction>(const_cast<void*>(detail::resolve(address)));
  std::string type;
  archive(type);
  return detail::find_registered(address.path, type);
}

/// The result may be seen at once, so what the job wrote must be out before.
void flush_output() {
  std::cout.flush();  // which has flushed stdout, too, unless it is unsynchronized
  if (::__fpending(stdout) != 0) std::fflush(stdout);
}

/// Hands the result over only when the output is out.
class FlushFirst final : public ResultSink {
 public:
  explicit FlushFirst(ResultSink& sink) : sink_(sink) {}
  void returned(std::span<const ByteSpan> parts) override {
    flush_output();
    sink_.returned(parts);
  }
  void raised(const Raised& raised, ByteSpan value) override {
    flush_output();
    sink_.raised(raised, value);
  }

 private:
  ResultSink& sink_;
};

void invoke(const Payload& call, ResultSink& sink) {
  detail::PlainReader archive(call.bytes());
  const detail::CodeAddress address = detail::load_address(archive);
  const InvokeFunction function = invoker_of(address, archive);
  function(archive.rest(), sink);
}

}  // namespace

void FunctionRunner::run(JobId, int, const Payload& call, ResultSink& sink) {
  FlushFirst flushing(sink);
  try {
    invoke(call, flushing);
  } catch (...) {
    flushing.raised(describe_current_exception(), {});
  }
}

void FunctionRunner::initialize(const Payload& call, ResultSink& sink) {
  run(0, 0, call, sink);
}

void FunctionRunner::finalize(const Payload& call, ResultSink& sink) {
  run(0, 0, call, sink);
}

void FunctionRunner::before_exit() {
  flush_output();
  std::fflush(nullptr);
}

}  // namespace prong::face
