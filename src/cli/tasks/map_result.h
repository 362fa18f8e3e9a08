// What travels between `prong map` and python/prong/_map_worker.py, and how it is shown.
//
// A payload of the Python face begins with 8 bytes (token u32, shape u16, number of buffers u16), all zero but for the
// shape. Then
//   to the worker:   shape 0: the one value as it is; shape 1: each value behind its size as u32
//   from the worker: the value as lines of UTF-8 as str() gives it; as JSON; or as a cell of a table: a letter and
//                    n: nothing (None), i: an integer in decimal digits, f: a double in decimal digits, s: UTF-8, b:
//                    bytes
#pragma once

#include <string>
#include <string_view>

#include "cli/commands.h"
#include "cli/options/map_options.h"
#include "cli/tasks/template_string.h"
#include "prong/job.h"
#include "prong/result_table.h"

namespace prong::cli {

/// One value, or several for several parameters of the function.
Payload encode_map_input(const Values& values);
std::string_view decode_map_value(const Payload& result);
/// Of a cell. Its views are of `result`.
ResultValue decode_map_cell(const Payload& result);

/// How inputs are shown.
struct InputStyle {
  MapInput form = MapInput::kText;
  Words names{};  ///< of the values of an input; empty: they have none
};

/// One text: a value that stands alone as it is, others as JSON.
std::string map_input_text(const Values& values, const InputStyle& style);

/// What the last attempt took.
double seconds_of(const Job& job);

/// The job as one JSON object on one line.
std::string map_json(const Input& input, const InputStyle& style, const Job& job);

}  // namespace prong::cli
