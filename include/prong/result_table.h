// ResultTable: what jobs came to, as rows of a table of an SQLite database.
//
//   ResultTable table("results.db", "results", {"input"});
//   table.add({.number = 1, .inputs = {...}, .outcome = "returned", .value = std::int64_t{42}, ...});
//   table.commit();     before its results are told to anybody
//
// What was committed survives the death of the process at any moment. While it is written, other programs may read the
// database (write-ahead log). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "prong/error.h"

namespace prong {

/// The database cannot be had or written, or has a table of this name for something else: says which.
class ResultTableError : public Error {
 public:
  using Error::Error;
};

/// Text that is not UTF-8 is stored as bytes.
struct ResultBytes {
  std::string_view bytes;
};
using ResultValue = std::variant<std::monostate, std::int64_t, double, std::string_view, ResultBytes>;

/// Views need to live during add() alone.
struct ResultRow {
  std::uint64_t number = 0;
  std::vector<std::optional<std::string_view>> inputs{};  ///< as many as the table has columns for
  std::string_view outcome{};
  ResultValue value{};
  std::optional<std::string_view> exception{};  ///< its type
  std::optional<std::string> message{};
  std::size_t attempts = 0;
  double seconds = 0;
  double finished = 0;  ///< since 1970
};

class ResultTable {
 public:
  /// Opens the file, or makes it, and makes the table if there is none. `inputs`: names of the columns of inputs; a
  /// name that the table has for something else gets "input_" in front. Throws ResultTableError.
  ResultTable(const std::string& path, const std::string& table, const std::vector<std::string>& inputs);
  /// Rows that were not committed are not kept.
  ~ResultTable();
  ResultTable(const ResultTable&) = delete;
  ResultTable& operator=(const ResultTable&) = delete;

  /// Throw ResultTableError.
  void add(const ResultRow& row);
  void commit();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prong
