// Display: shows what jobs give, in the order of their numbers (1, 2, 3, ...) if that is wished: what comes before its
// turn is kept in a Spool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "cli/output/sink.h"
#include "cli/output/spool.h"

namespace prong::cli {

class Display {
 public:
  /// `screen` must outlive it.
  Display(bool keep_order, Sink& screen) : keep_order_(keep_order), screen_(screen) {}

  /// Where job `number` writes to. Good until end() is called the next time.
  Sink& of(std::uint64_t number);
  /// Job `number` writes nothing more. It may have written nothing.
  void end(std::uint64_t number);

  /// Jobs that wait for their turn.
  std::size_t held() const { return held_.size(); }

 private:
  struct Held {
    explicit Held(Spool& spool) : recording(spool) {}
    Recording recording;
    bool ended = false;
  };

  Held& hold(std::uint64_t number) { return held_.try_emplace(number, spool_).first->second; }

  bool keep_order_;
  Sink& screen_;
  Spool spool_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Held> held_;
};

}  // namespace prong::cli
