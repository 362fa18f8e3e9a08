#include "cli/inputs/combined_inputs.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "cli/inputs/separator.h"

namespace prong::cli {
namespace {

void move_to_end(Values& all, Values& some) {
  all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
}

/// What was read of a source, to be given more than once.
class Kept {
 public:
  explicit Kept(std::unique_ptr<Inputs> source) : source_(std::move(source)) {}

  /// kInput: all of it has been read.
  Next read_all() {
    while (!ended_) {
      const Next next = read_one();
      if (next == Next::kNotYet) return next;
    }
    return Next::kInput;
  }

  Next read_one() {
    Values values;
    const Next next = source_->next(values);
    if (next == Next::kInput) rows_.push_back(std::move(values));
    ended_ = next == Next::kEnd;
    return next;
  }

  bool ended() const { return ended_; }
  std::size_t size() const { return rows_.size(); }
  const Values& row(std::size_t index) const { return rows_[index]; }
  std::optional<std::uint64_t> total() const { return source_->total(); }

 private:
  std::unique_ptr<Inputs> source_;
  std::vector<Values> rows_;
  bool ended_ = false;
};

std::vector<Kept> kept(InputsList sources) {
  std::vector<Kept> all;
  for (std::unique_ptr<Inputs>& source : sources) all.emplace_back(std::move(source));
  return all;
}

class Columns final : public Inputs {
 public:
  Columns(std::unique_ptr<Inputs> lines, const std::string& separator)
      : lines_(std::move(lines)), separator_(separator) {}

  Next next(Values& values) override {
    const Next next = lines_->next(line_);
    if (next != Next::kInput) return next;
    values.clear();
    for (const std::string& text : line_) cut(text, values);
    return Next::kInput;
  }

  std::optional<std::uint64_t> total() override { return lines_->total(); }

 private:
  void cut(std::string_view text, Values& columns) const {
    while (const std::optional<Span> found = separator_.find(text)) {
      columns.emplace_back(text.substr(0, found->begin));
      text.remove_prefix(found->end);
    }
    columns.emplace_back(text);
  }

  std::unique_ptr<Inputs> lines_;
  Separator separator_;
  Values line_;
};

class Rows final : public Inputs {
 public:
  Rows(std::unique_ptr<Inputs> inputs, char separator) : inputs_(std::move(inputs)), separator_(separator) {}

  Next next(Values& values) override {
    const Next next = inputs_->next(texts_);
    if (next != Next::kInput) return next;
    values.clear();
    for (const std::string& text : texts_) cut(text, values);
    return Next::kInput;
  }

  std::optional<std::uint64_t> total() override { return inputs_->total(); }

 private:
  void cut(const std::string& text, Values& columns) const {
    const std::unique_ptr<Records> records = csv_records(separator_, text);
    records->append(text);
    records->end();
    Values row(1);  // an empty text is one empty value
    records->take(row);
    move_to_end(columns, row);
  }

  std::unique_ptr<Inputs> inputs_;
  char separator_;
  Values texts_;
};

class Product final : public Inputs {
 public:
  explicit Product(InputsList sources) : first_(std::move(sources.front())) {
    sources.erase(sources.begin());
    others_ = kept(std::move(sources));
    positions_.resize(others_.size());
  }

  Next next(Values& values) override {
    for (Kept& other : others_) {
      if (other.read_all() == Next::kNotYet) return Next::kNotYet;
      if (other.size() == 0) return Next::kEnd;
    }
    if (!has_row_) {
      const Next next = first_->next(row_);
      if (next != Next::kInput) return next;
      has_row_ = true;
    }
    values = row_;
    for (std::size_t i = 0; i < others_.size(); ++i) {
      const Values& row = others_[i].row(positions_[i]);
      values.insert(values.end(), row.begin(), row.end());
    }
    has_row_ = step();
    return Next::kInput;
  }

  std::optional<std::uint64_t> total() override {
    std::optional<std::uint64_t> product = first_->total();
    for (const Kept& other : others_) {
      const std::optional<std::uint64_t> count = other.total();
      product = product && count ? std::optional(*product * *count) : std::nullopt;
    }
    return product;
  }

 private:
  // As an odometer; false: around once.
  bool step() {
    for (std::size_t i = others_.size(); i-- > 0;) {
      if (++positions_[i] < others_[i].size()) return true;
      positions_[i] = 0;
    }
    return false;
  }

  std::unique_ptr<Inputs> first_;
  std::vector<Kept> others_;
  Values row_;  // of the first one
  bool has_row_ = false;
  std::vector<std::size_t> positions_;
};

/// Ends with the shortest.
class Linked final : public Inputs {
 public:
  explicit Linked(InputsList sources) : sources_(std::move(sources)) {}

  Next next(Values& values) override {
    for (; read_ < sources_.size(); ++read_) {
      Values some;
      const Next next = sources_[read_]->next(some);
      if (next != Next::kInput) return next;
      move_to_end(row_, some);
    }
    values = std::exchange(row_, {});
    read_ = 0;
    return Next::kInput;
  }

  std::optional<std::uint64_t> total() override {
    std::optional<std::uint64_t> least = sources_.front()->total();
    for (const std::unique_ptr<Inputs>& source : sources_) {
      const std::optional<std::uint64_t> count = source->total();
      least = least && count ? std::optional(std::min(*least, *count)) : std::nullopt;
    }
    return least;
  }

 private:
  InputsList sources_;
  Values row_;  // of those that were read
  std::size_t read_ = 0;
};

/// Shorter ones begin anew until the longest has ended.
class LinkedAround final : public Inputs {
 public:
  explicit LinkedAround(InputsList sources) : sources_(kept(std::move(sources))) {}

  Next next(Values& values) override {
    for (Kept& source : sources_) {
      if (!source.ended() && source.size() == position_ && source.read_one() == Next::kNotYet) return Next::kNotYet;
      if (source.size() == 0) return Next::kEnd;
    }
    const auto has_more = [this](const Kept& source) { return source.size() > position_; };
    if (std::ranges::none_of(sources_, has_more)) return Next::kEnd;
    values.clear();
    for (const Kept& source : sources_) {
      const Values& row = source.row(position_ % source.size());
      values.insert(values.end(), row.begin(), row.end());
    }
    ++position_;
    return Next::kInput;
  }

  std::optional<std::uint64_t> total() override {
    std::optional<std::uint64_t> most = 0;
    for (const Kept& source : sources_) {
      const std::optional<std::uint64_t> count = source.total();
      if (count == 0u) return 0;
      most = most && count ? std::optional(std::max(*most, *count)) : std::nullopt;
    }
    return most;
  }

 private:
  std::vector<Kept> sources_;
  std::size_t position_ = 0;
};

std::size_t length_of_values(const Values& values) {
  std::size_t length = 0;
  for (const std::string& value : values) length += value.size() + 1;
  return length;
}

class Groups final : public Inputs {
 public:
  Groups(std::unique_ptr<Inputs> inputs, std::size_t most, std::size_t most_bytes, CommandLength length)
      : inputs_(std::move(inputs)),
        most_(most),
        most_bytes_(most_bytes),
        length_(std::move(length)),
        empty_length_(length_({})),
        bytes_(empty_length_) {}

  Next next(Values& values) override {
    while (count_ < most_ && !ended_) {
      if (spare_.empty()) {
        const Next next = inputs_->next(spare_);
        if (next == Next::kNotYet) {
          spare_.clear();
          return next;
        }
        ended_ = next == Next::kEnd;
        if (ended_) break;
      }
      const std::size_t bytes = length_(spare_) - empty_length_;
      if (count_ > 0 && bytes_ + bytes > most_bytes_) break;
      move_to_end(group_, spare_);
      spare_.clear();
      bytes_ += bytes;
      ++count_;
    }
    if (count_ == 0) return Next::kEnd;
    values = std::exchange(group_, {});
    count_ = 0;
    bytes_ = empty_length_;
    return Next::kInput;
  }

  // More if some are too long to be together.
  std::optional<std::uint64_t> total() override {
    if (most_ == SIZE_MAX) return std::nullopt;
    const std::optional<std::uint64_t> count = inputs_->total();
    return count ? std::optional(*count / most_ + (*count % most_ != 0)) : std::nullopt;
  }

 private:
  std::unique_ptr<Inputs> inputs_;
  std::size_t most_;
  std::size_t most_bytes_;
  CommandLength length_;
  std::size_t empty_length_;  // without any values
  Values group_;
  std::size_t bytes_;      // of a command with these
  std::size_t count_ = 0;  // of inputs in group_
  Values spare_;           // read, and did not fit into the last group
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Inputs> columns_of(std::unique_ptr<Inputs> lines, const std::string& separator) {
  return std::make_unique<Columns>(std::move(lines), separator);
}

std::unique_ptr<Inputs> rows_of(std::unique_ptr<Inputs> inputs, char separator) {
  return std::make_unique<Rows>(std::move(inputs), separator);
}

std::unique_ptr<Inputs> product_of(InputsList sources) {
  if (sources.size() == 1) return std::move(sources.front());
  return std::make_unique<Product>(std::move(sources));
}

std::unique_ptr<Inputs> side_by_side(InputsList sources, Shorter shorter) {
  if (sources.size() == 1) return std::move(sources.front());
  if (shorter == Shorter::kEndsAll) return std::make_unique<Linked>(std::move(sources));
  return std::make_unique<LinkedAround>(std::move(sources));
}

std::unique_ptr<Inputs> groups_of(std::unique_ptr<Inputs> inputs, std::size_t most, std::size_t most_bytes,
                                  CommandLength length) {
  return std::make_unique<Groups>(std::move(inputs), most, most_bytes, length ? std::move(length) : length_of_values);
}

}  // namespace prong::cli
