// The causes for which a failed job is run again, as they are written on a command line.
#pragma once

#include <string_view>

#include "prong/options.h"

namespace prong::cli {

/// Sets the causes of `policy` to those of a list: exit, exit=75, signal, signal=9, exception, exception=ValueError,
/// timeout, lost. A cause alone stands for any of its kind. Throws UsageError.
void set_retry_causes(std::string_view list, RetryPolicy& policy);

}  // namespace prong::cli
