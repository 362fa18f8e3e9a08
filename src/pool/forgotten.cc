#include "pool/forgotten.h"

#include <new>
#include <utility>

#include "os/this_process.h"

namespace prong {

Definition::Definition(DefinitionId id, Payload payload, std::shared_ptr<pool::Forgotten> forgotten)
    : id_(id), payload_(std::move(payload)), forgotten_(std::move(forgotten)) {}

Definition::~Definition() {
  forgotten_->add(id_);
}

namespace pool {

Forgotten::Forgotten(std::function<void()> look) : owner_(os::process_id()), look_(std::move(look)) {}

void Forgotten::add(DefinitionId id) noexcept {
  if (os::process_id() != owner_) return;
  const std::lock_guard lock(mutex_);
  if (!look_) return;
  try {
    ids_.push_back(id);
  } catch (const std::bad_alloc&) {
    return;  // then workers keep it
  }
  if (ids_.size() == 1) look_();
}

std::vector<DefinitionId> Forgotten::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ids_, {});
}

void Forgotten::close() noexcept {
  const std::lock_guard lock(mutex_);
  look_ = nullptr;
}

}  // namespace pool
}  // namespace prong
