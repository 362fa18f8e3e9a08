// ResultFolders: a folder for each job, with its output in the files stdout and stderr and its number in seq, as GNU
// parallel makes them. seq is written last: where it is, the others are complete.
#pragma once

#include "cli/results/result_files.h"
#include "cli/results/result_names.h"
#include "cli/system/descriptor.h"

namespace prong::cli {

class ResultFolders final : public ResultFiles {
 public:
  /// Makes the folder `root` if there is none. Throws SystemError.
  ResultFolders(const std::string& root, std::vector<std::string> column_names);

  void add(const JobResult& result) override;
  void end(std::uint64_t) override {}

 private:
  /// What is one of its folders may not be a symbolic link: no file comes to lie elsewhere.
  Descriptor folder_of(const Input& input);
  void write_file(const Descriptor& folder, const char* name, const Payload& content) const;

  std::string root_path_;
  Descriptor root_;
  ResultPaths paths_;
};

}  // namespace prong::cli
