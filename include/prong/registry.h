// Functions known by name, for what has no fixed address in the program: functions of plug-ins that are named in a
// configuration, functions that several versions of a program share.
//
//   double area(double radius) { ... }
//   PRONG_FUNCTION(area);                                            // once, at namespace scope, in a source file
//
//   pool.submit(prong::named<double(double)>("area"), 2.0);
//
// The worker must have loaded the file that registers the function: it has what is linked into the program, and what
// main loads before it calls prong::init. The registry is a global of the process because the linker decides which
// files are in it; it is filled before main (and by dlopen) and only read afterwards. Any thread.
#pragma once

#include <string>
#include <utility>

#include "prong/detail/call.h"

namespace prong {

/// `Type`: what the function takes and gives, exactly as it was declared, e.g. int(const std::string&).
template <typename Type>
NamedFunction<Type> named(std::string name) {
  return {std::move(name)};
}

namespace detail {

/// A function of a name, while the file that registered it is loaded.
class Registration {
 public:
  Registration(const char* name, const char* type, InvokeFunction invoke);
  ~Registration();
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  const char* name_;
  InvokeFunction invoke_;
};

/// Throws UsageError if the name is unknown, registered twice, or of another type.
InvokeFunction find_registered(const std::string& name, const std::string& type);

template <auto kFunction, typename List = typename Signature<decltype(kFunction)>::Parameters>
struct RegisteredInvoker;

template <auto kFunction, typename... P>
struct RegisteredInvoker<kFunction, TypeList<P...>> {
  static void invoke(ByteSpan rest, ResultSink& sink) {
    Reader<(... && kIsPlain<Travelling<P>>)> archive(rest);
    auto function = kFunction;
    call_with_arguments<P...>(function, archive, sink);
  }
};

template <auto kFunction>
const char* type_name() {
  return typeid(typename Signature<decltype(kFunction)>::Type).name();
}

}  // namespace detail
}  // namespace prong

#define PRONG_DETAIL_JOIN(a, b) a##b
#define PRONG_DETAIL_NAME(prefix, number) PRONG_DETAIL_JOIN(prefix, number)

/// Registers a function under the name by which it is written here: PRONG_FUNCTION(shapes::area) is "shapes::area".
#define PRONG_FUNCTION(function)                                                                                   \
  [[maybe_unused]] static const ::prong::detail::Registration PRONG_DETAIL_NAME(prong_registration_, __COUNTER__)( \
      #function, ::prong::detail::type_name<&function>(), &::prong::detail::RegisteredInvoker<&function>::invoke)
