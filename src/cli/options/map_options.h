// MapOptions: what `prong map` is asked for, beyond what it has in common with `prong run`.
#pragma once

#include <string>

namespace prong::cli {

/// What the values of an input are given to the function as.
enum class MapInput {
  kText,
  kJson,      ///< each value is JSON; what it stands for is one argument
  kUnpacked,  ///< the same, but an array is several arguments, and an object arguments by name
};

/// How results come back from workers.
enum class MapResult {
  kLines,  ///< as str() gives them
  kJson,
  kCells,  ///< with the types that SQLite has, to be kept in a table
};

struct MapOptions {
  std::string function;  ///< file.py:name or module:name
  std::string first;     ///< called once in each worker, before its first job; empty: nothing
  std::string last;      ///< the same after its last job
  MapInput input = MapInput::kText;
  MapResult result = MapResult::kLines;
  std::string sqlite_file;        ///< where cells are kept
  std::string table = "results";  ///< of that file
};

}  // namespace prong::cli
