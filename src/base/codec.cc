#include "base/codec.h"

#include <algorithm>

namespace prong::base {

ByteSpan Reader::bytes() {
  const std::uint64_t size = u64();
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const ByteSpan value = rest_.first(size);
  rest_ = rest_.subspan(size);
  return value;
}

std::vector<std::string> Reader::texts() {
  const std::uint32_t count = u32();
  std::vector<std::string> values;
  // Each text takes at least the bytes of its length: a damaged count reserves no more than the input could hold.
  values.reserve(std::min<std::size_t>(count, rest_.size() / sizeof(std::uint64_t)));
  for (std::uint32_t i = 0; i < count && ok_; ++i) values.push_back(text());
  if (!ok_) values.clear();
  return values;
}

std::string encode_raised(const Raised& raised, ByteSpan value) {
  Writer writer;
  writer.text(raised.type);
  writer.text(raised.message);
  writer.text(raised.traceback);
  writer.texts(raised.bases);
  writer.bytes(value);
  return writer.take();
}

std::optional<Raised> decode_raised(ByteSpan bytes) {
  Reader reader(bytes);
  Raised raised;
  raised.type = reader.text();
  raised.message = reader.text();
  raised.traceback = reader.text();
  raised.bases = reader.texts();
  raised.value = Payload::copy_of(reader.bytes());
  if (!reader.finished()) return std::nullopt;
  return raised;
}

}  // namespace prong::base
