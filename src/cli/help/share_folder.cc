#include "cli/help/share_folder.h"

#include <cerrno>
#include <fstream>
#include <string>

#include "cli/help/completion_scripts.h"
#include "cli/help/man_page.h"
#include "cli/help/manuals.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) throw SystemError("make the folder '" + path.parent_path().string() + "'", error.value());
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw SystemError("write '" + path.string() + "'", errno);
}

}  // namespace

void write_share_folder(const std::filesystem::path& folder) {
  const Manuals manuals = all_manuals();
  const std::filesystem::path pages = folder / "man/man1";
  write_file(pages / "prong.1", man_page(manuals.program, manuals));
  for (const Manual& manual : manuals.commands)
    write_file(pages / (man_page_name(manual) + ".1"), man_page(manual, manuals));
  write_file(folder / "bash-completion/completions/prong", bash_completion(manuals));
  write_file(folder / "zsh/site-functions/_prong", zsh_completion(manuals));
  write_file(folder / "fish/vendor_completions.d/prong.fish", fish_completion(manuals));
}

}  // namespace prong::cli
