#include "cli/inputs/unseen_inputs.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "prong/error.h"

namespace prong::cli {
namespace {

// After so many in a row the caller has its turn: signals are heeded though a source repeats itself without end.
constexpr int kMostSkippedAtOnce = 10'000;

struct Digest {
  std::uint64_t first;
  std::uint64_t second;

  bool operator==(const Digest&) const = default;
};

struct PartOfDigest {
  std::size_t operator()(const Digest& digest) const noexcept { return digest.first; }
};

/// Salted anew in each run, so that no input can be made to look like another one.
class Digester {
 public:
  Digester() {
    std::random_device random;
    for (char& byte : salts_) byte = static_cast<char>(random());
  }

  Digest operator()(const Values& key) {
    text_.assign(salts_, kSalt);
    for (const std::string& value : key) text_.append(std::to_string(value.size())).append(1, ':').append(value);
    const std::size_t first = std::hash<std::string_view>()(text_);
    text_.replace(0, kSalt, salts_ + kSalt, kSalt);
    return {first, std::hash<std::string_view>()(text_)};
  }

 private:
  static constexpr std::size_t kSalt = 32;
  char salts_[2 * kSalt];
  std::string text_;
};

class UnseenInputs final : public Inputs {
 public:
  UnseenInputs(std::unique_ptr<Inputs> inputs, TemplateString key, std::function<void()> wake)
      : inputs_(std::move(inputs)), key_(std::move(key)), wake_(std::move(wake)) {}

  Next next(Values& values) override {
    for (int left = kMostSkippedAtOnce; left > 0; --left) {
      const Next next = inputs_->next(input_.values);
      if (next != Next::kInput) return next;
      if (seen_.insert(digest_(key_.expand(input_))).second) {
        values = std::move(input_.values);
        return next;
      }
      ++skipped_;
    }
    wake_();
    return Next::kNotYet;
  }

  std::optional<std::uint64_t> total() override { return inputs_->total(); }
  std::uint64_t skipped() const override { return skipped_; }

 private:
  std::unique_ptr<Inputs> inputs_;
  TemplateString key_;
  std::function<void()> wake_;
  Digester digest_;
  std::unordered_set<Digest, PartOfDigest> seen_;
  Input input_;
  std::uint64_t skipped_ = 0;
};

void check(const TemplateString& key, const std::string& text) {
  const auto is_number = [](const TemplateString::Piece& piece) { return piece.part == Part::kNumber; };
  if (std::ranges::any_of(key.pieces(), is_number))
    throw UsageError("--key: '" + text + "' has {#}, the number of a job, which no other job has");
  if (!key.has_replacements())
    throw UsageError("--key: '" + text +
                     "' is the same for all inputs; write {} for the whole input, or {1}, {/}, ...");
}

}  // namespace

std::unique_ptr<Inputs> unseen_inputs(std::unique_ptr<Inputs> inputs, const std::string& key,
                                      const std::vector<std::string>& columns, std::function<void()> wake) {
  TemplateString parsed(key, {.columns = columns});
  check(parsed, key);
  return std::make_unique<UnseenInputs>(std::move(inputs), std::move(parsed), std::move(wake));
}

}  // namespace prong::cli
