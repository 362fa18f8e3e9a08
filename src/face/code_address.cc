#include "prong/detail/code_address.h"

#include "face/image.h"
#include "prong/error.h"

namespace prong::detail {
namespace {

using face::Image;

[[noreturn]] void refuse(const CodeAddress& address, const std::string& reason) {
  const std::string where = address.path.empty() ? "the program" : "'" + address.path + "'";
  throw UsageError("the job's function lies in " + where + ", but " + reason);
}

CodeAddress address_in(const Image& image, std::uintptr_t code) {
  return {.image = image.build, .offset = code - image.base, .path = image.path};
}

const void* code_in(const Image& image, const CodeAddress& address) {
  const std::uintptr_t code = image.base + address.offset;
  if (!image.holds(code)) refuse(address, "its address is beyond the end of it");
  return reinterpret_cast<const void*>(code);
}

Image loaded_or_load(const CodeAddress& address) {
  if (auto image = face::image_of_build(address.image)) return *image;
  if (address.path.empty())
    refuse(address, "the worker runs another build of it: start the program anew after building");
  if (const auto reason = face::load_image(address.path); !reason.empty())
    refuse(address, "the worker cannot load that: " + reason);
  if (auto image = face::image_of_build(address.image)) return *image;
  refuse(address, "the file there is another build by now: start the program anew after building");
}

}  // namespace

CodeAddress locate(const void* code) {
  const auto address = reinterpret_cast<std::uintptr_t>(code);
  if (face::program_image().holds(address)) return address_in(face::program_image(), address);
  if (const auto image = face::image_at(address)) return address_in(*image, address);
  throw UsageError(
      "the function to call lies in no loaded program or library (is the pointer null, or the code generated?)");
}

const void* resolve(const CodeAddress& address) {
  if (address.image == face::program_image().build) return code_in(face::program_image(), address);
  return code_in(loaded_or_load(address), address);
}

}  // namespace prong::detail
