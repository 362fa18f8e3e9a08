// ContentKey: BLAKE2b over the parts, each with its length.
#include <blake2.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "os/file.h"
#include "prong/journal.h"

namespace prong {
namespace {

constexpr std::size_t kKeySize = 16;

}  // namespace

struct ContentKey::Maker::State {
  blake2b_state hash;

  void add(std::string_view bytes) {
    ::blake2b_update(&hash, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  void add(std::uint64_t number) { add({reinterpret_cast<const char*>(&number), sizeof number}); }
};

ContentKey::Maker::Maker() : state_(std::make_unique<State>()) {
  ::blake2b_init(&state_->hash, kKeySize);
}

ContentKey::Maker::~Maker() = default;

ContentKey::Maker& ContentKey::Maker::add(std::string_view part) {
  state_->add(part.size());
  state_->add(part);
  return *this;
}

// A file's length is known at its end only, so it stands there.
ContentKey::Maker& ContentKey::Maker::add_file(const std::string& path) {
  std::uint64_t size = 0;
  const bool there = os::read_file(path, [&](ByteSpan bytes) {
    size += bytes.size();
    state_->add(as_text(bytes));
  });
  state_->add(size);
  state_->add(std::uint64_t{there});
  return *this;
}

ContentKey ContentKey::Maker::make() {
  ContentKey key;
  key.bytes_.resize(kKeySize);
  ::blake2b_final(&state_->hash, reinterpret_cast<std::uint8_t*>(key.bytes_.data()), kKeySize);
  return key;
}

}  // namespace prong
