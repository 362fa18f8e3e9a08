// QueueState: what the server of a queue does at the moment, and what follows from what happens. It knows no jobs.
//
//   serving <─> paused      serving ─> draining ─> (paused, when no job can be started)
//   all of them ─> stopping ─> killing
#pragma once

#include <string>
#include <string_view>

namespace prong::cli {

enum class QueuePhase {
  kServing,
  kPaused,    ///< starts no jobs until it is resumed, also by the next server
  kDraining,  ///< takes no more jobs, and ends when all are done
  kStopping,  ///< starts no more jobs, and ends when those that run have
  kKilling,   ///< these are killed, too
};

enum class QueueEvent {
  kPause,
  kResume,
  kDrain,
  kGiveUp,  ///< no job can be started any more
  kStop,
  kKill,
};

class QueueState {
 public:
  explicit QueueState(bool paused) : phase_(paused ? QueuePhase::kPaused : QueuePhase::kServing) {}

  QueuePhase phase() const { return phase_; }
  /// As `prong status` shows it.
  std::string_view name() const;
  bool takes_jobs() const { return phase_ == QueuePhase::kServing || phase_ == QueuePhase::kPaused; }
  bool starts_jobs() const { return phase_ == QueuePhase::kServing || phase_ == QueuePhase::kDraining; }
  bool is_stopping() const { return phase_ == QueuePhase::kStopping || phase_ == QueuePhase::kKilling; }

  /// True if the phase is another one now. Throws UsageError for what cannot be asked for in this phase.
  bool on(QueueEvent event);

  /// A job could not be started, which is not its fault. What lies with the machine would be the same for the next one:
  /// after some in a row no more are tried. True if that is so now.
  bool start_failed();
  void start_succeeded() { failed_starts_ = 0; }

 private:
  QueuePhase phase_;
  int failed_starts_ = 0;  ///< in a row
};

}  // namespace prong::cli
