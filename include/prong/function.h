// Functions in other processes: the typed face of Pool.
//
//   int main(int argc, char** argv) {
//     prong::init(argc, argv);                     // first: here workers branch off
//     prong::Pool pool;                            // one worker per usable CPU
//     prong::Future<int> future = pool.submit([](int n) { return n * n; }, 7);
//     std::vector<double> areas = pool.map(area, radii);
//     pool.options({.timeout = 5s, .priority = 1}).submit(work, x);
//   }
//
// What may be submitted, and what stops the compilation instead, is told in docs/cpp.md.
#pragma once

#include <concepts>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "prong/detail/call.h"
#include "prong/future.h"
#include "prong/pool.h"
#include "prong/registry.h"

namespace prong {

/// A call as a payload: for PoolOptions::initializer and finalizer, and for JobSpec.
template <typename Function, typename... Arguments>
Payload encode_call(Function&& function, const Arguments&... arguments) {
  using Callable = std::decay_t<Function>;
  const Callable& callable = function;
  using Parameters = typename detail::ParametersFor<Callable, Arguments...>::type;
  return detail::CallEncoder<Parameters>::encode(callable, arguments...);
}

/// A pool, seen with other options for the jobs that are submitted through it. Cheap to copy; must not outlive it.
class PoolView {
 public:
  /// `options` may be null: defaults.
  PoolView(Pool& pool, std::shared_ptr<const JobOptions> options) noexcept
      : pool_(&pool), options_(std::move(options)) {}

  template <detail::Callee Function, typename... Arguments>
  FutureOf<Function, Arguments...> submit(Function&& function, Arguments&&... arguments) {
    return {*pool_, submit_call(encode_call(function, arguments...))};
  }

  template <typename Function, typename Range>
  auto submit_all(Function&& function, Range&& range) {
    std::vector<FutureOf<Function, std::ranges::range_reference_t<Range>>> futures;
    if constexpr (std::ranges::sized_range<Range>) futures.reserve(std::ranges::size(range));
    std::vector<JobSpec> slice;
    auto submit_slice = [&] {
      for (JobPtr& job : submit_calls(std::exchange(slice, {}))) futures.emplace_back(*pool_, std::move(job));
    };
    for (auto&& element : range) {
      slice.push_back({.payload = encode_call(function, element), .options = options_});
      if (slice.size() == kSlice) submit_slice();
    }
    if (!slice.empty()) submit_slice();
    return futures;
  }

  template <typename Function, typename Range>
  auto map(Function&& function, Range&& range) {
    return results_of(submit_all(std::forward<Function>(function), std::forward<Range>(range)));
  }

  template <typename Function, typename Range>
  std::vector<Outcome> map_outcomes(Function&& function, Range&& range) {
    std::vector<Outcome> outcomes;
    for (auto& future : submit_all(std::forward<Function>(function), std::forward<Range>(range)))
      outcomes.push_back(future.outcome());
    return outcomes;
  }

  Future<CommandResult> submit(const Command& command);

 private:
  /// So many jobs are handed over at once: workers begin while the rest is encoded.
  static constexpr std::size_t kSlice = 256;

  JobPtr submit_call(Payload call);
  std::vector<JobPtr> submit_calls(std::vector<JobSpec> calls);

  template <typename Result>
  static auto results_of(std::vector<Future<Result>> futures) {
    try {
      if constexpr (std::is_void_v<Result>) {
        for (const auto& future : futures) future.get();
      } else {
        std::vector<Result> results;
        results.reserve(futures.size());
        for (const auto& future : futures) results.push_back(future.get());
        return results;
      }
    } catch (...) {
      for (auto& future : futures) future.cancel();
      throw;
    }
  }

  Pool* pool_;
  std::shared_ptr<const JobOptions> options_;
};

template <detail::Callee Function, typename... Arguments>
FutureOf<Function, Arguments...> Pool::submit(Function&& function, Arguments&&... arguments) {
  return PoolView(*this, nullptr).submit(std::forward<Function>(function), std::forward<Arguments>(arguments)...);
}

template <typename Function, typename Range>
auto Pool::submit_all(Function&& function, Range&& range) {
  return PoolView(*this, nullptr).submit_all(std::forward<Function>(function), std::forward<Range>(range));
}

template <typename Function, typename Range>
auto Pool::map(Function&& function, Range&& range) {
  return PoolView(*this, nullptr).map(std::forward<Function>(function), std::forward<Range>(range));
}

template <typename Function, typename Range>
std::vector<Outcome> Pool::map_outcomes(Function&& function, Range&& range) {
  return PoolView(*this, nullptr).map_outcomes(std::forward<Function>(function), std::forward<Range>(range));
}

}  // namespace prong
