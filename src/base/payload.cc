#include "prong/payload.h"

#include <algorithm>

namespace prong {
namespace {

class HeapStorage final : public PayloadStorage {
 public:
  explicit HeapStorage(ByteSpan bytes)
      : size_(bytes.size()), bytes_(std::make_unique_for_overwrite<std::byte[]>(bytes.size())) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }

  ByteSpan bytes() const override { return {bytes_.get(), size_}; }
  std::size_t size() const noexcept override { return size_; }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace

Payload Payload::copy_of(ByteSpan bytes) {
  if (bytes.empty()) return {};
  return Payload(std::make_shared<HeapStorage>(bytes));
}

}  // namespace prong
