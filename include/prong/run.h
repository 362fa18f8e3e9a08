// One command, or one function in a process of its own. Both return when the whole process tree is gone.
//
//   prong::CommandResult result = prong::run({"make", "-j2"}, {.timeout = 60s});
//   if (!result.succeeded()) std::cerr << describe(result.outcome) << '\n' << result.error_output.text();
//
//   double value = prong::call(risky, 3);  // may crash: a JobSignalled here, not the end of the program
//   double other = prong::call({.timeout = 1s}, risky, 4);
//
// They share two hidden pools of the process, made when first used. Any thread; as many at once as there are threads.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "prong/command.h"
#include "prong/command_result.h"
#include "prong/function.h"
#include "prong/future.h"

namespace prong {

/// Throws UsageError if the command or the options make no sense.
CommandResult run(const Command& command, JobOptions options = {});
inline CommandResult run(std::vector<std::string> arguments, JobOptions options = {}) {
  return run(Command{.arguments = std::move(arguments)}, std::move(options));
}

namespace detail {
/// The hidden pool for call(), seen with `options` and `fresh`.
PoolView own_process(JobOptions options);
}  // namespace detail

/// Calls `function` in a worker of its own. Throws a JobFailed if it did not return.
template <detail::Callee Function, typename... Arguments>
auto call(Function&& function, Arguments&&... arguments) {
  return detail::own_process({}).submit(std::forward<Function>(function), std::forward<Arguments>(arguments)...).get();
}

template <typename Function, typename... Arguments>
auto call(JobOptions options, Function&& function, Arguments&&... arguments) {
  return detail::own_process(std::move(options))
      .submit(std::forward<Function>(function), std::forward<Arguments>(arguments)...)
      .get();
}

}  // namespace prong
