// Unseen inputs: those of another source, without the ones whose key was there before.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/inputs/inputs.h"

namespace prong::cli {

/// `key`: text with replacement strings, of which the key of each input is made; `columns`: what may stand in it by
/// name. Of each key a hash of 128 bits is kept, which takes about 50 bytes. `wake` is called after kNotYet if there is
/// no need to wait. Throws UsageError for a key that cannot tell inputs apart.
std::unique_ptr<Inputs> unseen_inputs(std::unique_ptr<Inputs> inputs, const std::string& key,
                                      const std::vector<std::string>& columns, std::function<void()> wake);

}  // namespace prong::cli
