// Which parameters a callable has, and as what type each argument travels.
// Part of the C++ face; programs do not use it. Compile time only.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace prong::detail {

template <typename... T>
struct TypeList {
  static constexpr std::size_t kSize = sizeof...(T);
};

/// The parameters of callables that have one signature. Others (generic lambdas, overloads) have no `Parameters`.
template <typename Callable>
struct Signature {};

template <typename Result, typename... P>
struct Signature<Result (*)(P...)> {
  using Parameters = TypeList<P...>;
  using Type = Result(P...);
};
template <typename Result, typename... P>
struct Signature<Result (*)(P...) noexcept> : Signature<Result (*)(P...)> {};
template <typename Class, typename Result, typename... P>
struct Signature<Result (Class::*)(P...)> : Signature<Result (*)(P...)> {};
template <typename Class, typename Result, typename... P>
struct Signature<Result (Class::*)(P...) const> : Signature<Result (*)(P...)> {};
template <typename Class, typename Result, typename... P>
struct Signature<Result (Class::*)(P...) noexcept> : Signature<Result (*)(P...)> {};
template <typename Class, typename Result, typename... P>
struct Signature<Result (Class::*)(P...) const noexcept> : Signature<Result (*)(P...)> {};

template <typename Callable>
concept HasOneCallOperator = requires {
  &Callable::operator();
};

template <HasOneCallOperator Callable>
struct Signature<Callable> : Signature<decltype(&Callable::operator())> {};

template <typename Callable>
concept HasSignature = requires {
  typename Signature<Callable>::Parameters;
};

/// The type that a value of T travels as: T itself without reference and const, or the owner of what a view shows.
template <typename T>
struct TravelsAs {
  using type = T;
};
template <>
struct TravelsAs<std::string_view> {
  using type = std::string;
};
template <>
struct TravelsAs<const char*> {
  using type = std::string;
};
template <>
struct TravelsAs<char*> {
  using type = std::string;
};
template <typename T, std::size_t kExtent>
struct TravelsAs<std::span<const T, kExtent>> {
  using type = std::vector<T>;
};

template <typename T>
using Travelling = typename TravelsAs<std::decay_t<T>>::type;

/// The parameters with which `Callable` is called when it is given `Arguments`.
template <typename Callable, typename... Arguments>
struct ParametersFor {
  using type = TypeList<Travelling<Arguments>...>;
};
template <HasSignature Callable, typename... Arguments>
struct ParametersFor<Callable, Arguments...> {
  using type = typename Signature<Callable>::Parameters;
};

/// The owner of what a view or a C string shows; a copy of anything else.
template <typename T>
Travelling<T> owner_of(const T& value) {
  if constexpr (requires { Travelling<T>(value.begin(), value.end()); } &&
                !std::is_convertible_v<const T&, Travelling<T>>) {
    return Travelling<T>(value.begin(), value.end());
  } else {
    return Travelling<T>(value);
  }
}

/// Makes the argument for a parameter of type P from the value that has travelled.
template <typename P>
decltype(auto) pass(Travelling<P>& value) {
  if constexpr (std::is_same_v<std::decay_t<P>, Travelling<P>>) {
    return static_cast<P&&>(value);
  } else if constexpr (std::is_pointer_v<std::decay_t<P>>) {
    return static_cast<std::decay_t<P>>(value.data());
  } else {
    return std::decay_t<P>(value);
  }
}

/// What a call with parameters P... returns; void where it cannot be called (submit says why).
template <typename Callable, typename List>
struct ResultOfCall;
template <typename Callable, typename... P>
struct ResultOfCall<Callable, TypeList<P...>> {
  using type = void;
};
template <typename Callable, typename... P>
requires std::is_invocable_v<Callable&, P...>
struct ResultOfCall<Callable, TypeList<P...>> {
  using type = Travelling<std::invoke_result_t<Callable&, P...>>;
};

template <typename Function, typename... Arguments>
struct ResultOf
    : ResultOfCall<std::decay_t<Function>, typename ParametersFor<std::decay_t<Function>, Arguments...>::type> {};

}  // namespace prong::detail
