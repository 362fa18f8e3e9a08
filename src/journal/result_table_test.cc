#include "prong/result_table.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace prong {
namespace {

using Rows = std::vector<std::string>;

class ResultTableTest : public testing::Test {
 protected:
  ResultTableTest() {
    char name[] = "/tmp/prong_results_XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/results.db";
  }
  ~ResultTableTest() override { std::filesystem::remove_all(folder_); }

  /// Each row as SQLite shows it, with '|' between its values.
  Rows rows(const std::string& sql) const {
    sqlite3* database = nullptr;
    EXPECT_EQ(::sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    Rows found;
    const auto add = [](void* all, int count, char** values, char**) {
      std::string row;
      for (int i = 0; i < count; ++i) row += (i > 0 ? "|" : "") + std::string(values[i] ? values[i] : "NULL");
      static_cast<Rows*>(all)->push_back(row);
      return 0;
    };
    EXPECT_EQ(::sqlite3_exec(database, sql.c_str(), add, &found, nullptr), SQLITE_OK) << ::sqlite3_errmsg(database);
    ::sqlite3_close(database);
    return found;
  }

  std::string refusal(const std::string& table, const std::vector<std::string>& inputs) const {
    try {
      const ResultTable results(path_, table, inputs);
    } catch (const ResultTableError& error) {
      return error.what();
    }
    return "none";
  }

  std::string folder_;
  std::string path_;
};

TEST_F(ResultTableTest, ValuesKeepTheirTypes) {
  ResultTable table(path_, "results", {"input"});
  const std::vector<ResultValue> values = {std::monostate{}, std::int64_t{-7},        1.5,
                                           "text",           ResultBytes{"\xFF\x01"}, std::string_view("\xC3\xA9")};
  for (std::uint64_t i = 0; i < values.size(); ++i)
    table.add({.number = i + 1, .inputs = {"in"}, .outcome = "returned", .value = values[i], .attempts = 1});
  table.commit();
  EXPECT_EQ(rows("SELECT number, typeof(value), hex(value) FROM results"),
            (Rows{"1|null|", "2|integer|2D37", "3|real|312E35", "4|text|74657874", "5|blob|FF01", "6|text|C3A9"}));
}

TEST_F(ResultTableTest, FailuresHaveTypeAndMessage) {
  ResultTable table(path_, "my \"table\"", {"a", "b"});
  table.add({.number = 1,
             .inputs = {"x", std::nullopt},
             .outcome = "raised",
             .exception = "builtins.ValueError",
             .message = "no x",
             .attempts = 2,
             .seconds = 0.5,
             .finished = 3});
  table.commit();
  EXPECT_EQ(rows(R"(SELECT * FROM "my ""table""")"), (Rows{"1|x|NULL|raised|NULL|builtins.ValueError|no x|2|0.5|3.0"}));
}

TEST_F(ResultTableTest, TextThatIsNotUtf8IsBytes) {
  ResultTable table(path_, "results", {"input"});
  for (const char* text : {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\x80", "\xF0\x80\x80\x80"})
    table.add({.inputs = {text}, .outcome = "returned"});
  for (const char* text : {"", "\xF0\x9F\x98\x80", "\xE2\x82\xAC", "\xED\x9F\xBF"})
    table.add({.inputs = {text}, .outcome = "returned"});
  table.commit();
  EXPECT_EQ(rows("SELECT typeof(input), count(*) FROM results GROUP BY 1"), (Rows{"blob|6", "text|4"}));
}

TEST_F(ResultTableTest, NamesThatAreTakenGetAPrefix) {
  const ResultTable table(path_, "results", {"Value", "x", "X", ""});
  EXPECT_EQ(rows("SELECT group_concat(name) FROM pragma_table_info('results')"),
            (Rows{"number,input_Value,x,input_X,input_,outcome,value,exception,message,attempts,seconds,finished"}));
}

TEST_F(ResultTableTest, RowsAreAddedToATableOfTheSameColumns) {
  for (std::uint64_t i = 1; i <= 2; ++i) {
    ResultTable table(path_, "results", {"input"});
    table.add({.number = i, .inputs = {"in"}, .outcome = "returned"});
    table.commit();
  }
  EXPECT_EQ(rows("SELECT number FROM results"), (Rows{"1", "2"}));
}

TEST_F(ResultTableTest, TableOfOtherColumnsIsRefused) {
  rows("CREATE TABLE results (x, y)");
  EXPECT_EQ(refusal("results", {"input"}),
            "cannot add results to the table 'results' of '" + path_ +
                "': it has the columns x, y, and these results have number, input, outcome, value, exception, message, "
                "attempts, seconds, finished; choose another table by --table NAME");
  EXPECT_EQ(refusal("others", {"input"}), "none");
}

TEST_F(ResultTableTest, WhatIsNoDatabaseIsTold) {
  std::ofstream(path_) << std::string(1000, 'x');
  EXPECT_NE(refusal("results", {"input"}).find("file is not a database"), std::string::npos);
  path_ = folder_ + "/none/results.db";
  EXPECT_NE(refusal("results", {"input"}).find("unable to open database file"), std::string::npos);
  path_ = folder_ + "/other.db";
  EXPECT_NE(refusal("sqlite_results", {"input"}).find("reserved"), std::string::npos);
}

TEST_F(ResultTableTest, OthersReadWhileItIsWritten) {
  ResultTable table(path_, "results", {"input"});
  table.add({.number = 1, .inputs = {"in"}, .outcome = "returned"});
  table.commit();
  table.add({.number = 2, .inputs = {"in"}, .outcome = "returned"});
  EXPECT_EQ(rows("SELECT number FROM results"), (Rows{"1"}));
}

TEST_F(ResultTableTest, WhatWasCommittedSurvivesAKill) {
  if (const pid_t child = ::fork(); child == 0) {
    ResultTable table(path_, "results", {"input"});
    table.add({.number = 1, .inputs = {"in"}, .outcome = "returned"});
    table.commit();
    table.add({.number = 2, .inputs = {"in"}, .outcome = "returned"});
    ::kill(::getpid(), SIGKILL);
  } else {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
  }
  EXPECT_EQ(rows("SELECT number FROM results"), (Rows{"1"}));
}

TEST_F(ResultTableTest, IsOneFileAtTheEnd) {
  { const ResultTable table(path_, "results", {"input"}); }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  EXPECT_EQ(rows("PRAGMA journal_mode"), (Rows{"delete"}));
}

}  // namespace
}  // namespace prong
