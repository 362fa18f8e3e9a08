// CsvResults: a line per job in a file, with what the job log has, the values and the outputs, as GNU parallel writes
// it: Seq, Host, Starttime, JobRuntime, Send, Receive, Exitval, Signal, Command, V1, V2, ..., Stdout, Stderr.
#pragma once

#include <cstdio>

#include "cli/output/display.h"
#include "cli/results/result_files.h"

namespace prong::cli {

class CsvResults final : public ResultFiles {
 public:
  /// Makes the file empty. "-.csv": standard output. Throws SystemError.
  CsvResults(const std::string& path, char separator, std::vector<std::string> column_names, bool keep_order);

  /// A job may have fewer values than the first one, then fields are empty; or more, then the last field has the rest.
  void add(const JobResult& result) override;
  void end(std::uint64_t number) override;

 private:
  class File final : public Sink {
   public:
    explicit File(const std::string& path);
    void write(std::string_view text) override;
    void write_error(std::string_view text) override { write(text); }
    void flush();

   private:
    [[noreturn]] void refuse() const;

    struct Closer {
      void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::string path_;
    std::unique_ptr<std::FILE, Closer> file_;
  };

  std::string heading() const;
  std::string values_of(const Input& input) const;
  std::string field(std::string_view text) const;
  void write_output(const Payload& output, Sink& sink) const;
  bool needs_quotes(std::string_view text) const;

  char separator_;
  std::vector<std::string> column_names_;
  std::size_t columns_ = 0;  // of values; known with the first job
  bool begun_ = false;
  File file_;
  Display rows_;
};

}  // namespace prong::cli
