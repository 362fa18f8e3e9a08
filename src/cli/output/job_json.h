// What the JSON of `prong run` and `prong map` have in common.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "cli/tasks/template_string.h"
#include "prong/job.h"

namespace prong::cli {

using Json = nlohmann::ordered_json;

/// On one line. Bytes that are no UTF-8 are replaced.
std::string dumped(const Json& json);

/// The one value, or a list of them.
Json input_json(const Input& input);
/// What a job came to that neither returned nor exited.
Json exception_json(const Outcome& outcome);
/// How long it ran.
double seconds_of(const Attempt& attempt);

}  // namespace prong::cli
