// What travels between `prong map` and python/prong/_map_worker.py, and how it is shown.
//
// A payload of the Python face begins with 8 bytes (token, shape, number of buffers), here all zero. Then
//   to the worker:   the input as it is
//   from the worker: str(value) as UTF-8, or the value as JSON
#pragma once

#include <string>
#include <string_view>

#include "cli/template_string.h"
#include "prong/job.h"

namespace prong::cli {

Payload encode_map_input(std::string_view input);
std::string_view decode_map_value(const Payload& result);

/// The job as one JSON object on one line.
std::string map_json(const Input& input, const Job& job);

}  // namespace prong::cli
