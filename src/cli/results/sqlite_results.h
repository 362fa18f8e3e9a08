// SqliteResults: results of Python functions in a table of an SQLite database, a row for each job.
#pragma once

#include "cli/results/result_store.h"
#include "cli/tasks/map_result.h"
#include "prong/result_table.h"

namespace prong::cli {

class SqliteResults final : public ResultStore {
 public:
  /// With names, each value of an input has a column of its own; else one column has them all. Throws ResultTableError.
  SqliteResults(const std::string& file, const std::string& table, InputStyle style);

  void add(const Input& input, const Job& job) override;
  void commit() override { table_.commit(); }

 private:
  InputStyle style_;
  ResultTable table_;
  double clock_offset_s_;  // from CLOCK_MONOTONIC to the time of day
};

}  // namespace prong::cli
