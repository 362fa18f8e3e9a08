// Output: standard output and standard error, written whole and in the order given. Small texts are gathered; large
// ones go straight from where they are.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/output/sink.h"

namespace prong::cli {

class Output final : public Sink {
 public:
  /// `give_up`: asked when a write was interrupted by a signal; true drops the rest.
  explicit Output(
      int out_fd = 1, int error_fd = 2, std::function<bool()> give_up = [] { return false; })
      : out_(out_fd), error_(error_fd), give_up_(std::move(give_up)) {}

  /// Throw OutputClosed when nobody reads standard output any more, SystemError when it cannot be written otherwise.
  void write(std::string_view text) override { put(out_, error_, text); }
  void write_error(std::string_view text) override { put(error_, out_, text); }
  void flush();

 private:
  struct Stream {
    explicit Stream(int number) : fd(number) {}
    int fd;
    std::string pending;
  };

  void put(Stream& stream, Stream& other, std::string_view text);
  void flush(Stream& stream);
  void write_all(const Stream& stream, std::string_view text);

  Stream out_;
  Stream error_;
  std::function<bool()> give_up_;
};

}  // namespace prong::cli
