// Records: cuts what is read into inputs, one from each line, or one from each row of CSV.
//
// CSV is read as RFC 4180 has it, by libcsv: a value in quotation marks may hold separators, line breaks and doubled
// quotation marks. Rows end with LF, CR LF or CR; rows without any value are left out, and so is a byte order mark.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "cli/tasks/template_string.h"
#include "prong/error.h"

namespace prong::cli {

/// What was read makes no sense as what it is to be.
class InputError : public Error {
 public:
  using Error::Error;
};

class Records {
 public:
  virtual ~Records() = default;

  virtual void append(std::string_view bytes) = 0;
  /// No more bytes come: what is left is a record, too.
  virtual void end() = 0;
  /// Whether take() would not return false.
  virtual bool has_record() const = 0;
  /// Takes the next record; false if there is none yet. Throws InputError when it comes to what makes no sense.
  virtual bool take(Values& values) = 0;
  /// In bytes, of what was not taken.
  virtual std::size_t size() const = 0;
  /// An empty one of the same kind.
  virtual std::unique_ptr<Records> another() const = 0;
};

/// Lines of one value each. `delimiter` ends a line and is no part of it.
std::unique_ptr<Records> line_records(char delimiter);
/// `name`: of what is read, for errors.
std::unique_ptr<Records> csv_records(char separator, std::string name);

}  // namespace prong::cli
