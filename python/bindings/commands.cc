// Faces prong/_run.py: commands as payloads.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "prong/command.h"

namespace prong::python {
namespace {

Capture capture(const std::string& name) {
  if (name == "keep") return Capture::kKeep;
  if (name == "inherit") return Capture::kInherit;
  if (name == "discard") return Capture::kDiscard;
  if (name == "merge") return Capture::kMerge;
  throw nb::value_error("capture must be 'keep', 'inherit', 'discard' or 'merge'");
}

std::string text_of(nb::bytes bytes) {
  return {bytes.c_str(), bytes.size()};
}

Sealed seal_command(const std::vector<nb::bytes>& arguments, nb::bytes directory,
                    const std::optional<std::vector<nb::bytes>>& environment, const std::optional<nb::bytes>& input,
                    const std::string& output, const std::string& error_output) {
  Command command;
  for (const auto& argument : arguments) command.arguments.push_back(text_of(argument));
  command.directory = text_of(directory);
  if (environment) {
    command.environment.emplace();
    for (const auto& variable : *environment) command.environment->push_back(text_of(variable));
  }
  if (input) command.input = text_of(*input);
  command.output = capture(output);
  command.error_output = capture(error_output);
  return {encode(command)};
}

}  // namespace

void add_commands(nb::module_& module) {
  module.def("seal_command", &seal_command, nb::kw_only(), "arguments"_a, "directory"_a, "environment"_a.none(),
             "input"_a.none(), "output"_a, "error_output"_a);
}

}  // namespace prong::python
