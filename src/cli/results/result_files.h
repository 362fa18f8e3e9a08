// ResultFiles: the outputs of jobs in files, not on the screen.
//
//   DIR             a folder for each job: see ResultFolders
//   NAME.csv, .tsv  one table in the format of GNU parallel: see CsvResults
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/results/joblog.h"
#include "cli/tasks/template_string.h"
#include "prong/payload.h"

namespace prong::cli {

struct JobResult {
  const Input& input;
  JobLogEntry entry;
  Payload output;
  Payload error_output;
};

class ResultFiles {
 public:
  virtual ~ResultFiles() = default;
  /// Throws SystemError.
  virtual void add(const JobResult& result) = 0;
  /// Nothing (more) is added of job `number`.
  virtual void end(std::uint64_t number) = 0;
};

/// `column_names`: of the values, where they have names. `keep_order`: a table has the order of the jobs' numbers.
/// Throws SystemError.
std::unique_ptr<ResultFiles> open_result_files(const std::string& path, const std::vector<std::string>& column_names,
                                               bool keep_order);

}  // namespace prong::cli
