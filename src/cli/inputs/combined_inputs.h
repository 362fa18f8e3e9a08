// Combinations of inputs: columns of lines, several sources as a product or side by side, many inputs in one.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cli/inputs/inputs.h"

namespace prong::cli {

using InputsList = std::vector<std::unique_ptr<Inputs>>;

/// Each value is cut at the separator: see Separator. Throws UsageError for a wrong one.
std::unique_ptr<Inputs> columns_of(std::unique_ptr<Inputs> lines, const std::string& separator);

/// Each value is a row of CSV. next() throws InputError for what is none.
std::unique_ptr<Inputs> rows_of(std::unique_ptr<Inputs> inputs, char separator);

/// Every combination; the last source changes fastest. All but the first are kept in memory, the first is read as
/// needed.
std::unique_ptr<Inputs> product_of(InputsList sources);

enum class Shorter {
  kEndsAll,     ///< the others end with the shortest source
  kBeginsAnew,  ///< until the longest has ended; sources are kept in memory
};
/// The first of each, then the second of each.
std::unique_ptr<Inputs> side_by_side(InputsList sources, Shorter shorter);

/// At most so many inputs in one, and only as many as a command of `most_bytes` has room for (at least one).
/// `length`: of the command; null: that of the values, each with the NUL that ends it.
std::unique_ptr<Inputs> groups_of(std::unique_ptr<Inputs> inputs, std::size_t most, std::size_t most_bytes,
                                  CommandLength length = {});

}  // namespace prong::cli
