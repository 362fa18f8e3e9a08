#include "cli/inputs/records.h"
#include "cli/output/line_buffer.h"

namespace prong::cli {
namespace {

class LineRecords final : public Records {
 public:
  explicit LineRecords(char delimiter) : delimiter_(delimiter), lines_(delimiter) {}

  void append(std::string_view bytes) override { lines_.append(bytes); }
  void end() override { ended_ = true; }
  bool has_record() const override { return lines_.has_line() || (ended_ && lines_.size() > 0); }
  std::size_t size() const override { return lines_.size(); }
  std::unique_ptr<Records> another() const override { return line_records(delimiter_); }

  bool take(Values& values) override {
    values.resize(1);
    return lines_.take(values.front()) || (ended_ && lines_.take_rest(values.front()));
  }

 private:
  char delimiter_;
  LineBuffer lines_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Records> line_records(char delimiter) {
  return std::make_unique<LineRecords>(delimiter);
}

}  // namespace prong::cli
