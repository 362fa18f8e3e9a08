#include "face/image.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

namespace prong::face {
namespace {

using Headers = std::span<const ElfW(Phdr)>;

std::uint64_t hash(std::string_view bytes) {
  std::uint64_t value = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : bytes) value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return std::max<std::uint64_t>(value, 1);
}

Headers headers_of(const dl_phdr_info& info) {
  return {info.dlpi_phdr, info.dlpi_phnum};
}

std::string_view segment(const dl_phdr_info& info, const ElfW(Phdr) & header) {
  return {reinterpret_cast<const char*>(info.dlpi_addr + header.p_vaddr), header.p_memsz};
}

std::size_t padded(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

/// The build-id among the notes of one segment, or "".
std::string_view build_id_in(std::string_view notes) {
  ElfW(Nhdr) note;
  while (notes.size() >= sizeof note) {
    std::memcpy(&note, notes.data(), sizeof note);
    const std::size_t name_size = padded(note.n_namesz);
    const std::size_t whole = sizeof note + name_size + padded(note.n_descsz);
    if (whole > notes.size()) return {};
    if (note.n_type == NT_GNU_BUILD_ID && notes.substr(sizeof note, note.n_namesz) == std::string_view("GNU\0", 4))
      return notes.substr(sizeof note + name_size, note.n_descsz);
    notes.remove_prefix(whole);
  }
  return {};
}

std::uint64_t build_of(const dl_phdr_info& info) {
  std::string_view code;
  for (const auto& header : headers_of(info)) {
    if (header.p_type == PT_NOTE)
      if (const auto id = build_id_in(segment(info, header)); !id.empty()) return hash(id);
    if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0) code = segment(info, header);
  }
  return hash(code);
}

/// All but `build`, which costs more.
Image outline_of(const dl_phdr_info& info) {
  Image image{.base = info.dlpi_addr, .begin = std::numeric_limits<std::uintptr_t>::max(), .path = info.dlpi_name};
  for (const auto& header : headers_of(info)) {
    if (header.p_type != PT_LOAD) continue;
    image.begin = std::min<std::uintptr_t>(image.begin, info.dlpi_addr + header.p_vaddr);
    image.end = std::max<std::uintptr_t>(image.end, info.dlpi_addr + header.p_vaddr + header.p_memsz);
  }
  return image;
}

/// What is looked for among the loaded images: return true to take one.
struct Search {
  std::function<bool(const dl_phdr_info&, Image&)> take;
  std::optional<Image> found;
};

int visit(dl_phdr_info* info, std::size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  Image image = outline_of(*info);
  if (!search.take(*info, image)) return 0;
  image.build = build_of(*info);
  search.found = std::move(image);
  return 1;
}

std::optional<Image> find(std::function<bool(const dl_phdr_info&, Image&)> take) {
  Search search{.take = std::move(take), .found = std::nullopt};
  dl_iterate_phdr(visit, &search);
  return search.found;
}

}  // namespace

const Image& program_image() {
  // The dynamic linker names the program first.
  static const Image program = *find([](const dl_phdr_info&, Image&) { return true; });
  return program;
}

std::optional<Image> image_at(std::uintptr_t address) {
  return find([&](const dl_phdr_info&, const Image& image) { return image.holds(address); });
}

std::optional<Image> image_of_build(std::uint64_t build) {
  return find([&](const dl_phdr_info& info, const Image&) { return build_of(info) == build; });
}

std::string load_image(const std::string& path) {
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return {};
  const char* reason = dlerror();
  return reason ? reason : "unknown reason";
}

}  // namespace prong::face
