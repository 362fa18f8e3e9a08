// The protocol of the slots as a small model, in which every order of the steps of coordinator and worker is tried, and
// the worker's death after each. The model as built gives no wrong verdict; each rule left out gives one, so no rule is
// idle and the model can see what it is there to see.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ipc/slot_word.h"

namespace prong::ipc {
namespace {

constexpr int kMost = 6;  ///< requests, numbered from 1

/// What is left out of the protocol, or added to it.
struct Variant {
  const char* name = "as built";
  int slots = 2;
  bool free_before_publish = false;   ///< the slot is freed, then the result published
  bool begin_before_started = false;  ///< user code (decoding arguments) runs before the exchange to started
  bool start_by_store = false;        ///< the worker looks, then stores started
  bool revoke_by_store = false;       ///< the coordinator looks, then stores revoked
  bool judge_before_drain = false;    ///< results still in the ring are not looked at
  bool judge_the_living = false;      ///< verdicts while the worker may still run
  bool reuse_unanswered = false;      ///< a free slot is used again though its result was not yet seen...
  bool answer_by_slot = false;        ///< ...and a result names the slot instead of the sequence
  bool reuse_revoked = false;         ///< a revoked slot is used again before the worker passed over it...
  bool no_sequence = false;           ///< ...and words are compared without their sequence
};

enum class Step { kLook, kClaim, kPass, kRun, kEnd, kPublish, kFree };
enum class Known { kNothing, kOpen, kRevoked, kEnded };

struct State {
  // Shared memory
  std::array<std::uint64_t, kMost> words{};
  std::vector<int> ring;
  // Coordinator
  int pushed = 0;
  int revoking = 0;  ///< looked at as ready, to be stored as revoked
  std::array<Known, kMost + 1> known{};
  // Worker
  Step step = Step::kLook;
  int next = 1;
  int current = 0;
  std::uint64_t seen = 0;
  std::array<bool, kMost + 1> judged{};  ///< was told to have never begun
  // The truth
  std::array<int, kMost + 1> began{};
  std::array<int, kMost + 1> ended{};

  auto key() const {
    return std::tuple(words, ring, pushed, revoking, known, judged, step, next, current, seen, began, ended);
  }
  bool operator<(const State& other) const { return key() < other.key(); }
};

class Model {
 public:
  Model(Variant variant, int requests) : variant_(variant), requests_(requests) {}

  /// Tries everything. Returns how many wrong verdicts there are.
  int explore() {
    std::vector<State> pending{State{}};
    while (!pending.empty()) {
      const State state = pending.back();
      pending.pop_back();
      if (!seen_.insert(state).second) continue;
      wrong_ += count_wrong(state);
      for (State& next : successors(state)) pending.push_back(std::move(next));
    }
    return wrong_;
  }

  std::size_t states() const { return seen_.size(); }

 private:
  std::uint64_t& word_of(State& state, int sequence) const {
    return state.words[static_cast<std::size_t>(sequence % variant_.slots)];
  }
  static Known& known_of(State& state, int sequence) { return state.known[static_cast<std::size_t>(sequence)]; }
  static std::uint64_t word(int sequence, WordState state) {
    return pack_word(static_cast<std::uint64_t>(sequence), state);
  }
  bool same(std::uint64_t left, std::uint64_t right) const {
    return variant_.no_sequence ? state_in(left) == state_in(right) : left == right;
  }
  bool exchange(std::uint64_t& target, std::uint64_t expected, std::uint64_t desired) const {
    if (!same(target, expected)) return false;
    target = desired;
    return true;
  }

  std::vector<State> successors(const State& state) const {
    std::vector<State> all;
    const auto attempt = [&](auto step) {
      State next = state;
      if (step(next)) all.push_back(std::move(next));
    };
    attempt([this](State& next) { return put(next); });
    attempt([this](State& next) { return pop(next); });
    attempt([this](State& next) { return finish_revoking(next); });
    for (int i = 1; i <= requests_; ++i) {
      attempt([this, i](State& next) { return revoke(next, i); });
      attempt([this, i](State& next) { return judge(next, i); });
    }
    attempt([this](State& next) { return work(next); });
    return all;
  }

  // ---- coordinator

  bool put(State& state) const {
    const int sequence = state.pushed + 1;
    if (sequence > requests_) return false;
    const int before = sequence - variant_.slots;
    if (before > 0 && !is_free(state, before)) return false;
    word_of(state, sequence) = word(sequence, WordState::kReady);
    known_of(state, sequence) = Known::kOpen;
    state.pushed = sequence;
    return true;
  }

  bool is_free(State& state, int before) const {
    const Known known = known_of(state, before);
    if (variant_.reuse_revoked && known == Known::kRevoked) return true;
    if (known == Known::kOpen && !variant_.reuse_unanswered) return false;
    return same(word_of(state, before), word(before, WordState::kFree));
  }

  bool pop(State& state) const {
    if (state.ring.empty()) return false;
    // Without a sequence the result belongs to the request that has the slot now.
    int sequence = state.ring.front();
    while (variant_.answer_by_slot && sequence + variant_.slots <= state.pushed) sequence += variant_.slots;
    state.ring.erase(state.ring.begin());
    known_of(state, sequence) = Known::kEnded;
    return true;
  }

  bool revoke(State& state, int sequence) const {
    if (known_of(state, sequence) != Known::kOpen || state.revoking != 0) return false;
    const std::uint64_t ready = word(sequence, WordState::kReady);
    if (!same(word_of(state, sequence), ready)) return false;
    if (variant_.revoke_by_store) {
      state.revoking = sequence;
      return true;
    }
    known_of(state, sequence) = Known::kRevoked;
    return exchange(word_of(state, sequence), ready, word(sequence, WordState::kRevoked));
  }

  bool finish_revoking(State& state) const {
    if (state.revoking == 0) return false;
    word_of(state, state.revoking) = word(state.revoking, WordState::kRevoked);
    known_of(state, state.revoking) = Known::kRevoked;
    state.revoking = 0;
    return true;
  }

  /// As if the worker were dead.
  bool judge(State& state, int sequence) const {
    bool& judged = state.judged[static_cast<std::size_t>(sequence)];
    if (!variant_.judge_the_living || judged || known_of(state, sequence) != Known::kOpen) return false;
    judged = same(word_of(state, sequence), word(sequence, WordState::kReady));
    return judged;
  }

  // ---- worker

  bool work(State& state) const {
    switch (state.step) {
      case Step::kLook:
        return look(state);
      case Step::kClaim:
        return claim(state);
      case Step::kPass:
        return pass(state);
      case Step::kRun:
        if (!variant_.begin_before_started) ++state.began[static_cast<std::size_t>(state.current)];
        state.step = Step::kEnd;
        return true;
      case Step::kEnd:
        ++state.ended[static_cast<std::size_t>(state.current)];
        state.step = variant_.free_before_publish ? Step::kFree : Step::kPublish;
        return true;
      case Step::kPublish:
        state.ring.push_back(state.current);
        return variant_.free_before_publish ? advance(state) : to(state, Step::kFree);
      case Step::kFree:
        word_of(state, state.current) = word(state.current, WordState::kFree);
        return variant_.free_before_publish ? to(state, Step::kPublish) : advance(state);
    }
    return false;
  }

  static bool to(State& state, Step step) {
    state.step = step;
    return true;
  }

  static bool advance(State& state) {
    state.next = state.current + 1;
    state.current = 0;
    state.seen = 0;
    return to(state, Step::kLook);
  }

  bool look(State& state) const {
    state.seen = word_of(state, state.next);
    const auto sequence = static_cast<int>(sequence_in(state.seen));
    // Where revoked slots are used again at once, the slot may hold a later request than the next one.
    if (sequence != state.next && !(variant_.reuse_revoked && sequence > state.next)) return false;
    state.current = sequence;
    if (state_in(state.seen) == WordState::kRevoked) return to(state, Step::kPass);
    if (state_in(state.seen) != WordState::kReady) return false;
    if (variant_.begin_before_started) ++state.began[static_cast<std::size_t>(sequence)];
    return to(state, Step::kClaim);
  }

  bool claim(State& state) const {
    const std::uint64_t started = word(state.current, WordState::kStarted);
    if (variant_.start_by_store) {
      word_of(state, state.current) = started;
      return to(state, Step::kRun);
    }
    return to(state, exchange(word_of(state, state.current), state.seen, started) ? Step::kRun : Step::kLook);
  }

  bool pass(State& state) const {
    const std::uint64_t freed = word(state.current, WordState::kFree);
    return exchange(word_of(state, state.current), state.seen, freed) ? advance(state) : to(state, Step::kLook);
  }

  // ---- verdicts

  /// As if the worker had died just now.
  int count_wrong(State state) {
    while (!variant_.judge_before_drain && pop(state)) continue;
    int wrong = 0;
    for (int i = 1; i <= state.pushed; ++i) wrong += is_wrong(state, i) ? 1 : 0;
    return wrong;
  }

  bool is_wrong(State& state, int sequence) const {
    const int began = state.began[static_cast<std::size_t>(sequence)];
    const int ended = state.ended[static_cast<std::size_t>(sequence)];
    if (began > 1 || (began > 0 && state.judged[static_cast<std::size_t>(sequence)])) return true;
    const std::uint64_t now = word_of(state, sequence);
    switch (known_of(state, sequence)) {
      case Known::kEnded:
        return ended != 1;
      case Known::kRevoked:
        return began != 0;
      case Known::kOpen:
        break;
      case Known::kNothing:
        return true;
    }
    if (same(now, word(sequence, WordState::kReady))) return began != 0;
    // Began, and its end is not known: wrong only if the end was published.
    if (same(now, word(sequence, WordState::kStarted))) return !state.ring.empty();
    return true;  // free without a result, or the word of another request
  }

  Variant variant_;
  int requests_;
  std::set<State> seen_;
  int wrong_ = 0;
};

TEST(SlotProtocolTest, AsBuiltNoVerdictIsWrong) {
  for (const int slots : {1, 2, 3}) {
    Model model({.slots = slots}, kMost);
    EXPECT_EQ(model.explore(), 0) << slots;
    EXPECT_GT(model.states(), 200u) << slots;
  }
}

TEST(SlotProtocolTest, WithTheSequenceEvenARevokedSlotCouldBeUsedAgainAtOnce) {
  Model model({.slots = 1, .reuse_revoked = true}, kMost);
  EXPECT_EQ(model.explore(), 0);
}

TEST(SlotProtocolTest, ResultsThatNameTheSequenceMayComeLate) {
  Model model({.slots = 1, .reuse_unanswered = true}, kMost);
  EXPECT_EQ(model.explore(), 0);
}

class BrokenSlotProtocolTest : public testing::TestWithParam<Variant> {};

TEST_P(BrokenSlotProtocolTest, GivesAWrongVerdict) {
  EXPECT_GT(Model(GetParam(), 3).explore(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, BrokenSlotProtocolTest,
    testing::Values(Variant{.name = "FreeBeforePublish", .free_before_publish = true},
                    Variant{.name = "BeginBeforeStarted", .begin_before_started = true},
                    Variant{.name = "StartByStore", .start_by_store = true},
                    Variant{.name = "RevokeByStore", .revoke_by_store = true},
                    Variant{.name = "JudgeBeforeDrain", .judge_before_drain = true},
                    Variant{.name = "JudgeTheLiving", .judge_the_living = true},
                    Variant{.name = "AnswerBySlot", .slots = 1, .reuse_unanswered = true, .answer_by_slot = true},
                    Variant{.name = "NoSequence", .slots = 1, .reuse_revoked = true, .no_sequence = true}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace prong::ipc
