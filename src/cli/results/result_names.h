// What the folders of results are called. A name is one part of a path, never leads elsewhere, and differs for
// different values.
//
//   a/b  a\_b      back\slash  back\\slash      tab  \t      NUL  \0       (as GNU parallel)
//   ""   \e        .           \.               ..   \..
//
// A long value is cut, and the number of its job makes it differ: aaa...\#17.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "cli/tasks/template_string.h"

namespace prong::cli {

std::string result_name(std::string_view value, std::uint64_t job_number);

class ResultPaths {
 public:
  explicit ResultPaths(std::vector<std::string> column_names) : column_names_(std::move(column_names)) {}

  /// Below the folder of all: 1/first value/2/second value, or with the names of the columns. No two jobs have the
  /// same: where another had it before, \#17 is appended for job 17.
  std::vector<std::string> path_of(const Input& input);

 private:
  std::string column(std::size_t position) const;

  std::vector<std::string> column_names_;
  std::unordered_set<std::size_t> given_;  // their hashes: two with the same one are taken for the same
};

}  // namespace prong::cli
