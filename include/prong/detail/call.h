// A call as bytes: whom to call, the callable, the arguments.
//
//   CodeAddress of the invoker | callable (detail/callable.h) | argument 1 | argument 2 | ...     a function or lambda
//   CodeAddress{0, 0, name}    | signature                    | argument 1 | argument 2 | ...     a registered function
//
// The invoker is a function of the program that knows the types: Invoker<Callable, P...>::invoke reads what encode_call
// wrote. Part of the C++ face; programs do not use it. Encoded in the coordinator's process, invoked in the worker.
#pragma once

#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "prong/codec.h"
#include "prong/detail/bytes.h"
#include "prong/detail/callable.h"
#include "prong/detail/signature.h"
#include "prong/worker.h"

namespace prong::detail {

/// Reads the rest of a call, makes it and hands the result over. Exceptions pass through.
using InvokeFunction = void (*)(ByteSpan rest, ResultSink& sink);

template <typename Result>
void send_result(ResultSink& sink, const Result& result) {
  Bytes bytes;
  Writer<kIsPlain<Result>> archive(bytes);
  put(archive, result);
  sink.returned(bytes.parts());
}

/// Whether a call needs no cereal.
template <typename Callable, typename... P>
inline constexpr bool kIsPlainCall = kIsPlainCallable<Callable> && (... && kIsPlain<Travelling<P>>);

/// Reads arguments for parameters P..., calls, sends the result.
template <typename... P, typename Callable, typename Archive>
void call_with_arguments(Callable& callable, Archive& archive, ResultSink& sink) {
  std::tuple<Travelling<P>...> arguments;
  std::apply([&](auto&... argument) { (archive(argument), ...); }, arguments);
  archive.finish();
  auto call = [&](auto&... argument) -> decltype(auto) { return std::invoke(callable, pass<P>(argument)...); };
  using Result = std::invoke_result_t<Callable&, P...>;
  if constexpr (std::is_void_v<Result>) {
    std::apply(call, arguments);
    sink.returned({});
  } else if constexpr (std::is_same_v<std::decay_t<Result>, Travelling<Result>>) {
    decltype(auto) result = std::apply(call, arguments);
    send_result(sink, result);
  } else {
    auto view = std::apply(call, arguments);
    send_result(sink, owner_of(view));
  }
}

template <typename Callable, typename... P>
struct Invoker {
  static void invoke(ByteSpan rest, ResultSink& sink) {
    Reader<kIsPlainCall<Callable, P...>> archive(rest);
    auto callable = load_callable<Callable>(archive, address());
    call_with_arguments<P...>(callable, archive, sink);
  }

  /// Where invoke() lies; found once.
  static const CodeAddress& address() {
    static const CodeAddress found = locate(reinterpret_cast<const void*>(&invoke));
    return found;
  }
};

template <typename Callable, typename... P, typename Archive>
void save_target(Archive& archive, const Callable& callable) {
  if constexpr (kIsNamed<Callable>) {
    save_address(archive, CodeAddress{0, 0, callable.name});
    archive(std::string(typeid(typename Signature<Callable>::Type).name()));
  } else {
    save_address(archive, Invoker<Callable, P...>::address());
    save_callable(archive, callable, Invoker<Callable, P...>::address());
  }
}

/// `argument` as a parameter of type P takes it: itself if it has that type already, else converted.
template <typename P, typename Argument>
decltype(auto) convert(const Argument& argument) {
  if constexpr (std::is_same_v<Travelling<P>, Argument>) {
    return static_cast<const Argument&>(argument);
  } else if constexpr (std::is_same_v<Travelling<P>, Travelling<Argument>>) {
    return owner_of(argument);
  } else {
    return owner_of(static_cast<std::decay_t<P>>(argument));
  }
}

template <typename List>
struct CallEncoder;

template <typename... P>
struct CallEncoder<TypeList<P...>> {
  template <typename Callable, typename... Arguments>
  static constexpr void check() {
    require_sendable<Callable>();
    static_assert(sizeof...(Arguments) == sizeof...(P),
                  "prong: wrong number of arguments for this function (default arguments do not count)");
    static_assert(!(... || (std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>)),
                  "prong: the function takes a reference to something that it may change; it would change a copy in "
                  "another process, and nobody would see it: return the new value instead");
    if constexpr (sizeof...(Arguments) == sizeof...(P)) {
      static_assert((... && (std::is_convertible_v<const Arguments&, std::decay_t<P>> ||
                             std::is_same_v<Travelling<P>, Travelling<Arguments>>)),
                    "prong: an argument cannot be converted to the type of its parameter");
    }
    static_assert(std::is_invocable_v<Callable&, P...>,
                  "prong: the function cannot be called with these arguments (in the worker they are temporaries)");
  }

  template <typename Callable, typename... Arguments>
  static Payload encode(const Callable& callable, const Arguments&... arguments) {
    check<Callable, Arguments...>();
    if constexpr (sizeof...(Arguments) == sizeof...(P)) {
      Bytes bytes;
      Writer<kIsPlainCall<Callable, P...>> archive(bytes);
      save_target<Callable, P...>(archive, callable);
      return save_arguments(bytes, archive, convert<P>(arguments)...);
    } else {
      return {};
    }
  }

 private:
  /// A function of its own, so that converted arguments live until the payload is made.
  template <typename Archive, typename... Arguments>
  static Payload save_arguments(Bytes& bytes, Archive& archive, const Arguments&... arguments) {
    (put(archive, arguments), ...);
    return bytes.payload();
  }
};

}  // namespace prong::detail
