// What travels between `prong map` and python/prong/_map_worker.py, and how it is shown.
//
// A payload of the Python face begins with 8 bytes (token u32, shape u16, number of buffers u16), all zero but for the
// shape. Then
//   to the worker:   shape 0: the one value as it is; shape 1: each value behind its size as u32
//   from the worker: str(value) as UTF-8, or the value as JSON
#pragma once

#include <string>
#include <string_view>

#include "cli/template_string.h"
#include "prong/job.h"

namespace prong::cli {

/// One value, or several for several parameters of the function.
Payload encode_map_input(const Values& values);
std::string_view decode_map_value(const Payload& result);

/// The job as one JSON object on one line.
std::string map_json(const Input& input, const Job& job);

}  // namespace prong::cli
