#include "cli/results/csv_results.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "cli/output/pieces.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr std::size_t kLongestLookedAt = 4096;

std::FILE* open_table(const std::string& path) {
  const bool is_output = path == "-.csv" || path == "-.tsv";
  return is_output ? ::fdopen(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "w") : std::fopen(path.c_str(), "we");
}

std::string with_doubled_quotes(std::string_view text) {
  std::string doubled;
  doubled.reserve(text.size());
  for (const char byte : text) doubled.append(byte == '"' ? 2 : 1, byte);
  return doubled;
}

}  // namespace

CsvResults::File::File(const std::string& path) : path_(path), file_(open_table(path)) {
  if (!file_) refuse();
}

void CsvResults::File::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) refuse();
}

void CsvResults::File::flush() {
  if (std::fflush(file_.get()) != 0) refuse();
}

void CsvResults::File::refuse() const {
  throw SystemError("write the results to '" + path_ + "'", errno);
}

CsvResults::CsvResults(const std::string& path, char separator, std::vector<std::string> column_names, bool keep_order)
    : separator_(separator), column_names_(std::move(column_names)), file_(path), rows_(keep_order, file_) {}

void CsvResults::add(const JobResult& result) {
  if (!begun_) {
    begun_ = true;
    columns_ = std::max(result.input.values.size(), column_names_.size());
    file_.write(heading());
  }
  const JobLogEntry& entry = result.entry;
  Sink& row = rows_.of(entry.number);
  row.write(fmt::format("{1}{0}:{0}{2:.3f}{0}{3:.3f}{0}0{0}{4}{0}{5}{0}{6}{0}", separator_, entry.number,
                        entry.started_s, entry.seconds, entry.output_bytes, entry.end.exit_value, entry.end.signal));
  row.write(field(entry.command) + values_of(result.input) + separator_);
  write_output(result.output, row);
  row.write({&separator_, 1});
  write_output(result.error_output, row);
  row.write("\n");
}

void CsvResults::end(std::uint64_t number) {
  rows_.end(number);
  file_.flush();
}

std::string CsvResults::heading() const {
  std::string line;
  for (const char* name : {"Seq", "Host", "Starttime", "JobRuntime", "Send", "Receive", "Exitval", "Signal", "Command"})
    line.append(name).append(1, separator_);
  for (std::size_t i = 0; i < columns_; ++i)
    line += field(i < column_names_.size() ? column_names_[i] : "V" + std::to_string(i + 1)) + separator_;
  return line + "Stdout" + separator_ + "Stderr\n";
}

std::string CsvResults::values_of(const Input& input) const {
  std::string fields;
  for (std::size_t i = 0; i < columns_; ++i) {
    std::string value = i < input.values.size() ? input.values[i] : "";
    const bool is_last = i + 1 == columns_;
    for (std::size_t more = i + 1; is_last && more < input.values.size(); ++more) value += " " + input.values[more];
    fields += separator_ + field(value);
  }
  return fields;
}

bool CsvResults::needs_quotes(std::string_view text) const {
  return text.size() > kLongestLookedAt || std::ranges::any_of(text, [&](char byte) {
           return static_cast<unsigned char>(byte) <= ' ' || byte == '"' || byte == separator_ || byte == '\x7f';
         });
}

std::string CsvResults::field(std::string_view text) const {
  return needs_quotes(text) ? "\"" + with_doubled_quotes(text) + "\"" : std::string(text);
}

void CsvResults::write_output(const Payload& output, Sink& sink) const {
  if (output.size() <= kLongestLookedAt) return sink.write(field(output.text()));
  sink.write("\"");
  for_each_piece(output, [&](std::string_view piece) { sink.write(with_doubled_quotes(piece)); });
  sink.write("\"");
}

}  // namespace prong::cli
