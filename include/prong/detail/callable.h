// How a callable itself travels: by its address in the program, as the bytes of its captures, or through cereal.
// Part of the C++ face; programs do not use it. Either process.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <string>
#include <type_traits>

#include "prong/codec.h"
#include "prong/detail/code_address.h"
#include "prong/detail/signature.h"

namespace prong {

/// A function that the worker looks up by the name under which PRONG_FUNCTION registered it. See prong/registry.h.
template <typename Type>
struct NamedFunction;
template <typename Result, typename... P>
struct NamedFunction<Result(P...)> {
  std::string name;
  Result operator()(P...) const;  ///< never defined: says what the function takes and gives
};

namespace detail {

template <typename Callable>
inline constexpr bool kIsNamed = false;
template <typename Type>
inline constexpr bool kIsNamed<NamedFunction<Type>> = true;

template <typename Callable>
concept FunctionPointer = std::is_pointer_v<Callable> && std::is_function_v<std::remove_pointer_t<Callable>>;

/// Captureless lambdas, std::plus<> and the like: made anew in the worker.
template <typename Callable>
concept Empty = std::is_empty_v<Callable> && std::is_default_constructible_v<Callable>;

/// Whether cereal knows the class (not asked for lambdas' sake: cereal never knows one).
template <typename Callable>
concept Encodable = std::is_class_v<Callable> && std::is_default_constructible_v<Callable> &&
    cereal::traits::is_output_serializable<Callable, OutputArchive>::value &&
    cereal::traits::is_input_serializable<Callable, InputArchive>::value;

/// A constant expression may bit_cast to a type only if no part of it is a pointer, a reference or a union: this is how
/// captures by reference are seen.
template <typename T>
concept NoPointerInside = requires {
  typename std::bool_constant<(static_cast<void>(std::bit_cast<T>(std::array<std::byte, sizeof(T)>{})), true)>;
};

/// Saved without cereal.
template <typename Callable>
inline constexpr bool kIsPlainCallable = kIsNamed<Callable> || Empty<Callable> || !Encodable<Callable>;

template <typename Callable>
constexpr void require_sendable() {
  static_assert(!kIsStdFunction<Callable>,
                "prong: a std::function cannot be sent to another process, because nobody can see what is in it; pass "
                "the function or the lambda itself");
  static_assert(!std::is_member_pointer_v<Callable>,
                "prong: a pointer to a member cannot be sent to another process; pass a lambda that calls it");
  if constexpr (std::is_class_v<Callable> && !kIsStdFunction<Callable> && !kIsNamed<Callable> && !Empty<Callable> &&
                !Encodable<Callable>) {
    static_assert(std::is_trivially_copyable_v<Callable>,
                  "prong: the lambda captures something that owns memory (a string, a vector, ...) and so cannot be "
                  "sent to another process; pass it as an argument of the call, or write a class with operator() and "
                  "a cereal serialize function");
    static_assert(!std::is_trivially_copyable_v<Callable> || NoPointerInside<Callable>,
                  "prong: the lambda captures a reference, a pointer, `this`, or a type without constexpr constructors "
                  "and so cannot be sent to another process; capture by value, or pass it as an argument of the call");
  }
}

/// `invoker`: the address of what calls it.
template <typename Callable, typename Archive>
void save_callable(Archive& archive, const Callable& callable, const CodeAddress& invoker) {
  if constexpr (FunctionPointer<Callable>) {
    save_address(archive, locate(reinterpret_cast<const void*>(callable)), invoker);
  } else if constexpr (Empty<Callable>) {
    // nothing
  } else if constexpr (Encodable<Callable>) {
    archive(callable);
  } else if constexpr (std::is_trivially_copyable_v<Callable>) {
    archive.write(&callable, sizeof callable);
  }
}

template <typename Callable, typename Archive>
Callable load_callable(Archive& archive, const CodeAddress& invoker) {
  if constexpr (FunctionPointer<Callable>) {
    return reinterpret_cast<Callable>(const_cast<void*>(resolve(load_address(archive, invoker))));
  } else if constexpr (Empty<Callable>) {
    return Callable{};
  } else if constexpr (Encodable<Callable>) {
    Callable callable{};
    archive(callable);
    return callable;
  } else {
    std::array<std::byte, sizeof(Callable)> bytes;
    archive.read(bytes.data(), bytes.size());
    return std::bit_cast<Callable>(bytes);
  }
}

}  // namespace detail
}  // namespace prong
