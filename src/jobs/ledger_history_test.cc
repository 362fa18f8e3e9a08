// Random histories, each from one seed, against a model so simple that it can be seen to be right.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "jobs/ledger.h"

namespace prong::jobs {
namespace {

using namespace std::chrono_literals;

enum class Is { kQueued, kDispatched, kDone };

// One job as the model sees it.
struct Twin {
  JobPtr job;
  int priority = 0;
  std::string key;
  int retries = 0;
  MonotonicNs backoff = 0;
  Is is = Is::kQueued;
  MonotonicNs due = 0;
  int attempts = 0;
  MonotonicNs expiry = 0;  // when it has waited too long for its first attempt; 0: never, or no more
  int quarantine_after = 0;
  int deaths = 0;  // attempts that ended their worker
};

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), of_commands_(seed % 2 == 0), ledger_(seed, of_commands_) {}

  void run() {
    for (int step = 0; step < 120; ++step) {
      act();
      compare();
      if (testing::Test::HasFatalFailure()) return;
    }
    drain();
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }

  void act() {
    switch (below(18)) {
      case 0:
        now_ += below(60);
        break;
      case 1:
        cancel();
        break;
      case 2:
        take_back();
        break;
      case 3:
        if (below(10) == 0) finish_queued();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        submit();
        break;
      case 8:
      case 9:
      case 10:
      case 11:
        dispatch();
        break;
      case 12:
        expire();
        break;
      default:
        end();
    }
  }

  void submit() {
    auto options = std::make_shared<JobOptions>();
    options->priority = below(3) - 1;
    if (below(3) == 0) options->key = std::string(1, static_cast<char>('a' + below(3)));
    options->retry = {.retries = below(4),
                      .quarantine_after = below(3),
                      .backoff = std::chrono::nanoseconds(below(3) * 20),
                      .jitter = 0};
    if (below(4) == 0) options->queue_time = std::chrono::nanoseconds(1 + below(100));
    const JobPtr job = ledger_.submit({.options = options, .completions = completions_}, now_);
    if (const Twin* known = active_with_key(options->key)) {
      ASSERT_EQ(job, known->job);
      return;
    }
    ASSERT_EQ(job->id(), twins_.size() + 1);
    twins_.push_back({.job = job,
                      .priority = options->priority,
                      .key = options->key,
                      .retries = options->retry.retries,
                      .backoff = options->retry.backoff.count(),
                      .expiry = options->queue_time.count() > 0 ? now_ + options->queue_time.count() : 0,
                      .quarantine_after = of_commands_ ? 0 : options->retry.quarantine_after});
  }

  const Twin* active_with_key(const std::string& key) const {
    for (const Twin& twin : twins_)
      if (!key.empty() && twin.key == key && twin.is != Is::kDone) return &twin;
    return nullptr;
  }

  Twin* expected_next() {
    Twin* best = nullptr;
    for (Twin& twin : twins_)
      if (twin.is == Is::kQueued && twin.due <= now_ && (!best || twin.priority > best->priority)) best = &twin;
    return best;
  }

  void dispatch() {
    Twin* expected = expected_next();
    ASSERT_EQ(ledger_.peek(now_), expected ? expected->job.get() : nullptr);
    const JobPtr job = ledger_.next(now_);
    ASSERT_EQ(job, expected ? expected->job : nullptr);
    if (!expected) return;
    expected->is = Is::kDispatched;
    ASSERT_EQ(Ledger::attempt_number(*job), ++expected->attempts);
  }

  Twin* any(Is is) {
    std::vector<Twin*> found;
    for (Twin& twin : twins_)
      if (twin.is == is) found.push_back(&twin);
    return found.empty() ? nullptr : found[static_cast<std::size_t>(below(static_cast<int>(found.size())))];
  }

  void take_back() {
    Twin* twin = any(Is::kDispatched);
    if (!twin) return;
    ledger_.take_back(twin->job);
    twin->is = Is::kQueued;
    twin->due = 0;
    --twin->attempts;
  }

  void end() {
    Twin* twin = any(Is::kDispatched);
    if (!twin) return;
    const bool success = below(2) == 0;
    const bool finally = below(8) == 0;
    const bool harmless = below(2) == 0;
    Attempt attempt;
    attempt.outcome = success    ? (of_commands_ ? Outcome(Exited{0}) : Outcome(Returned{}))
                      : harmless ? Outcome(Raised{})
                                 : Outcome(Exited{1});
    twin->deaths += !success && !harmless;
    twin->expiry = 0;
    const bool quarantined = twin->quarantine_after != 0 && twin->deaths >= twin->quarantine_after;
    const bool again = !success && !finally && twin->attempts <= twin->retries && !quarantined;
    if (finally) {
      ledger_.end_finally(twin->job, attempt, now_);
    } else {
      ASSERT_EQ(ledger_.end_attempt(twin->job, attempt, now_), !again);
    }
    if (again) {
      twin->is = Is::kQueued;
      twin->due = now_ + (twin->backoff << (twin->attempts - 1));
    } else {
      finish(*twin);
    }
  }

  // Those that wait for their first attempt end; those that were given away are named once.
  void expire() {
    std::vector<JobPtr> expected;
    for (Twin& twin : twins_) {
      if (twin.expiry == 0 || twin.expiry > now_ || twin.is == Is::kDone) continue;
      if (twin.is == Is::kDispatched) expected.push_back(twin.job);
    }
    std::vector<JobPtr> given = ledger_.expire(now_);
    std::ranges::sort(given, {}, [](const JobPtr& job) { return job->id(); });
    ASSERT_EQ(given, expected);
    for (Twin& twin : twins_) {
      if (twin.expiry == 0 || twin.expiry > now_ || twin.is == Is::kDone) continue;
      twin.expiry = 0;
      if (twin.is != Is::kQueued) continue;
      finish(twin);
      ASSERT_TRUE(std::holds_alternative<TimedOut>(twin.job->outcome()));
    }
  }

  void cancel() {
    if (twins_.empty()) return;
    Twin& twin = twins_[static_cast<std::size_t>(below(static_cast<int>(twins_.size())))];
    const bool cancelled_before = twin.is == Is::kDone && std::holds_alternative<Cancelled>(twin.job->outcome());
    ASSERT_EQ(ledger_.cancel(twin.job, now_), twin.is == Is::kQueued || cancelled_before);
    if (twin.is == Is::kQueued) finish(twin);
  }

  void finish_queued() {
    ledger_.finish_queued(Cancelled{}, now_);
    for (Twin& twin : twins_)
      if (twin.is == Is::kQueued) finish(twin);
  }

  void finish(Twin& twin) {
    twin.is = Is::kDone;
    ASSERT_TRUE(twin.job->done());
    ASSERT_EQ(twin.job->attempts().size(), static_cast<std::size_t>(twin.attempts));
    for (int i = 0; i < twin.attempts; ++i) ASSERT_EQ(twin.job->attempts()[static_cast<std::size_t>(i)].number, i + 1);
  }

  void compare() {
    std::map<Is, std::uint64_t> count;
    std::optional<MonotonicNs> first_due;
    for (const Twin& twin : twins_) {
      ++count[twin.is];
      if (twin.is == Is::kQueued && twin.due > now_) first_due = std::min(first_due.value_or(twin.due), twin.due);
    }
    ASSERT_EQ(ledger_.queued(), count[Is::kQueued]);
    ASSERT_EQ(ledger_.dispatched(), count[Is::kDispatched]);
    ASSERT_EQ(ledger_.finished(), count[Is::kDone]);
    ASSERT_EQ(ledger_.submitted(), twins_.size());
    ASSERT_EQ(ledger_.has_ready(now_), expected_next() != nullptr);
    ASSERT_EQ(ledger_.next_retry(), first_due);
    std::optional<MonotonicNs> first_expiry;
    for (const Twin& twin : twins_)
      if (twin.is != Is::kDone && twin.expiry != 0)
        first_expiry = std::min(first_expiry.value_or(twin.expiry), twin.expiry);
    ASSERT_EQ(ledger_.next_expiry(), first_expiry);
  }

  // Nothing is lost: everything that was submitted can be brought to its end, once.
  void drain() {
    while (!ledger_.all_done()) {
      if (any(Is::kDispatched))
        end();
      else if (ledger_.has_ready(now_))
        dispatch();
      else
        now_ = ledger_.next_retry().value();
      compare();
      if (testing::Test::HasFatalFailure()) return;
    }
    std::vector<JobPtr> done = completions_->take_all();
    std::ranges::sort(done, {}, [](const JobPtr& job) { return job->id(); });
    ASSERT_EQ(done.size(), twins_.size());
    for (std::size_t i = 0; i < done.size(); ++i) ASSERT_EQ(done[i], twins_[i].job);
  }

  std::mt19937_64 random_;
  bool of_commands_;
  Ledger ledger_;
  std::shared_ptr<CompletionQueue> completions_ = std::make_shared<CompletionQueue>();
  std::vector<Twin> twins_;  // in the order of ids
  MonotonicNs now_ = 1;
};

TEST(LedgerHistoryTest, ThousandsOfRandomHistoriesFollowTheModel) {
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    History(seed).run();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace prong::jobs
