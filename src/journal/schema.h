// The tables of a journal, as docs/journal-format.md specifies them.
#pragma once

#include <string>

#include "journal/database.h"
#include "journal/states.h"

namespace prong::journal {

/// Of the format. A file of a later one is refused, one of an earlier one is brought up to this when it is written.
inline constexpr int kVersion = 3;

/// The bytes of a journal without any run.
std::string empty_journal();

/// Throws JournalError unless this is a whole journal of a version that is known.
void check_journal(Database& database);
/// Throws JournalError unless all of its runs are of this kind.
void check_kind(Database& database, RunKind kind);
/// Makes this version of an earlier one.
void bring_up_to_date(Database& database);

}  // namespace prong::journal
