// Control: what `prong ctl` can ask of a run, and where the run hears of it.
//
// Requests are JSON objects: {"command": "status"}, "pause", "resume", "stop" (as one Ctrl-C), "kill" (as SIGTERM), and
// {"command": "jobs", "jobs": 4}. The answer is the status of the run afterwards, or {"error": "..."}.
#pragma once

#include <memory>

#include <nlohmann/json.hpp>

#include "cli/system/control_socket.h"
#include "cli/system/signals.h"

namespace prong::cli {

class Controllable {
 public:
  virtual ~Controllable() = default;
  virtual nlohmann::json report() const = 0;
  /// So many at a time from now on.
  virtual void set_jobs(int jobs) = 0;
  /// While paused, no job starts; those that run go on.
  virtual void set_paused(bool paused) = 0;
};

class Control {
 public:
  /// Where no socket can be made (a file system that cannot be written to), nobody can ask.
  Control(Controllable& run, Signals& signals);

  /// Does what was asked. To be called when the main thread was woken.
  void heed();

 private:
  nlohmann::json carry_out(const nlohmann::json& request);

  Controllable& run_;
  Signals& signals_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace prong::cli
