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

template <typename Archive>
void save_address(Archive& archive, const CodeAddress& address) {
  archive(address.image, address.offset, address.path);
}

template <typename Archive>
CodeAddress load_address(Archive& archive) {
  CodeAddress address;
  archive(address.image, address.offset, address.path);
  return address;
}

}  // namespace prong::detail
