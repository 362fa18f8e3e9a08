#include "prong/payload.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

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

class AccompaniedStorage final : public PayloadStorage {
 public:
  AccompaniedStorage(Payload main, std::vector<Payload> attachments)
      : main_(std::move(main)), attachments_(std::move(attachments)) {}

  ByteSpan bytes() const override { return main_.bytes(); }
  std::size_t size() const noexcept override { return main_.size(); }
  int segment_fd() const noexcept override { return main_.segment_fd(); }
  std::span<const Payload> attachments() const noexcept override { return attachments_; }
  void retire() const noexcept override {
    if (!main_.empty()) main_.storage()->retire();
  }

 private:
  Payload main_;
  std::vector<Payload> attachments_;
};

}  // namespace

Payload Payload::with_attachments(Payload main, std::vector<Payload> attachments) {
  PRONG_CHECK(attachments.size() <= kMostAttachments);
  if (attachments.empty()) return main;
  return Payload(std::make_shared<AccompaniedStorage>(std::move(main), std::move(attachments)));
}

Payload Payload::copy_of(ByteSpan bytes) {
  if (bytes.empty()) return {};
  return Payload(std::make_shared<HeapStorage>(bytes));
}

}  // namespace prong
