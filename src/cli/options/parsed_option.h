// An option whose text is understood, or refused, by a function.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace prong::cli {

/// `names`: "-j,--jobs"; `type`: of its value, in the help. A UsageError of `store` gets the first name in front.
void add_parsed(CLI::App& app, const std::string& names, const char* type, const std::string& help,
                std::function<void(const std::string&)> store);

}  // namespace prong::cli
