// Image: a program or shared object that is loaded in this process. Either process, any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace prong::face {

struct Image {
  std::uintptr_t base = 0;   ///< what the addresses in its file are relative to
  std::uintptr_t begin = 0;  ///< first address that it occupies
  std::uintptr_t end = 0;
  std::uint64_t build = 0;  ///< hash of its build-id, or of its code if it has none; never 0
  std::string path;         ///< empty: the program itself

  bool holds(std::uintptr_t address) const noexcept { return address >= begin && address < end; }
};

/// The program itself. Found once.
const Image& program_image();
std::optional<Image> image_at(std::uintptr_t address);
std::optional<Image> image_of_build(std::uint64_t build);
/// Loads a shared object for good. The reason why not, or "".
std::string load_image(const std::string& path);

}  // namespace prong::face
