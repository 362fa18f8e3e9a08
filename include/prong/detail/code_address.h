// CodeAddress: where a function lies, in words that hold in another process.
//
// The address itself differs from process to process (ASLR), but its distance from where its program or shared object
// was loaded does not, as long as both have loaded the same build: that is checked by the build-id that the linker left
// in the image (or, without one, by a hash of its code). Part of the C++ face; programs do not use it. Either process.
#pragma once

#include <cstdint>
#include <string>

namespace prong::detail {

struct CodeAddress {
  std::uint64_t image = 0;   ///< identity of the build: a hash of the build-id
  std::uint64_t offset = 0;  ///< from where the image was loaded
  std::string path;          ///< of the shared object; empty: the program itself
};

/// Throws UsageError if `code` lies in no loaded image.
CodeAddress locate(const void* code);
/// The address in this process. A shared object that is not loaded is loaded from its path. Throws UsageError, saying
/// what differs, if there is no image of that build.
const void* resolve(const CodeAddress& address);

// With its arguments, a call shall fit into a Payload (Payload::kInside): so what is not needed is not written. No
// offset is as large as these.
inline constexpr std::uint64_t kHasPath = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kElsewhere = std::uint64_t{1} << 62;

template <typename Archive>
void save_address(Archive& archive, const CodeAddress& address) {
  const std::uint64_t flag = address.path.empty() ? 0 : kHasPath;
  archive(address.image, address.offset | flag);
  if (flag != 0) archive(address.path);
}

template <typename Archive>
CodeAddress load_address(Archive& archive) {
  CodeAddress address;
  archive(address.image, address.offset);
  if ((address.offset & kHasPath) != 0) archive(address.path);
  address.offset &= ~kHasPath;
  return address;
}

/// An address that most often is in the same image as `base`, which the reader knows.
template <typename Archive>
void save_address(Archive& archive, const CodeAddress& address, const CodeAddress& base) {
  const bool is_near = address.image == base.image;
  archive(is_near ? address.offset : kElsewhere);
  if (!is_near) save_address(archive, address);
}

template <typename Archive>
CodeAddress load_address(Archive& archive, const CodeAddress& base) {
  CodeAddress address = base;
  archive(address.offset);
  return address.offset == kElsewhere ? load_address(archive) : address;
}

}  // namespace prong::detail
