#include "cli/results/result_files.h"

#include "cli/results/csv_results.h"
#include "cli/results/result_folders.h"

namespace prong::cli {

std::unique_ptr<ResultFiles> open_result_files(const std::string& path, const std::vector<std::string>& column_names,
                                               bool keep_order) {
  if (path.ends_with(".csv")) return std::make_unique<CsvResults>(path, ',', column_names, keep_order);
  if (path.ends_with(".tsv")) return std::make_unique<CsvResults>(path, '\t', column_names, keep_order);
  return std::make_unique<ResultFolders>(path, column_names);
}

}  // namespace prong::cli
