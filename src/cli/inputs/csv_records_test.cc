#include <gtest/gtest.h>

#include "cli/inputs/records.h"

namespace prong::cli {
namespace {

using Rows = std::vector<Values>;

Rows rows_of(std::string_view text, std::size_t chunk = 1000, char separator = ',') {
  const std::unique_ptr<Records> records = csv_records(separator, "t.csv");
  Rows rows;
  Values row;
  for (std::size_t at = 0; at < text.size(); at += chunk) {
    records->append(text.substr(at, chunk));
    while (records->take(row)) rows.push_back(row);
  }
  records->end();
  while (records->take(row)) rows.push_back(row);
  EXPECT_EQ(records->size(), 0u);
  return rows;
}

std::string error_of(std::string_view text) {
  try {
    rows_of(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST(CsvRecordsTest, CutsTheSameHoweverTheBytesCome) {
  const std::string_view text = "\xEF\xBB\xBF\"a\",b\r\n1,\"x,\r\n\"\"y\"\"\"\n2, z \n3,";
  const Rows expected = {{"a", "b"}, {"1", "x,\r\n\"y\""}, {"2", " z "}, {"3", ""}};
  for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) EXPECT_EQ(rows_of(text, chunk), expected) << chunk;
}

TEST(CsvRecordsTest, RowsWithoutValuesAreLeftOut) {
  EXPECT_EQ(rows_of("\r\na\r\n\r\n\n\nb\n\n"), (Rows{{"a"}, {"b"}}));
  EXPECT_EQ(rows_of("a\n\"\"\n,\n"), (Rows{{"a"}, {""}, {"", ""}}));
  EXPECT_EQ(rows_of(""), Rows{});
  EXPECT_EQ(rows_of("\xEF\xBB"), (Rows{{"\xEF\xBB"}}));
  EXPECT_EQ(rows_of("\xEF\xBB\xBF"), Rows{});
}

TEST(CsvRecordsTest, TakesAnyBytesAndAnotherSeparator) {
  const std::string bytes("\0\xFF,\x01", 4);
  EXPECT_EQ(rows_of("a\t" + bytes + "\n", 2, '\t'), (Rows{{"a", bytes}}));
}

TEST(CsvRecordsTest, LongValuesComeWhole) {
  const std::string value(1'000'000, 'x');
  EXPECT_EQ(rows_of("1,\"" + value + "\"\n", 4096), (Rows{{"1", value}}));
}

TEST(CsvRecordsTest, WhatIsNoCsvIsToldWhereItStands) {
  EXPECT_EQ(error_of("a\n\"b\nc\"\nd,5\" pipe\ne\n"),
            "cannot read 't.csv' as CSV, line 4, row 3: a quotation mark stands within a value; such a value is "
            "written in quotation marks, with this one doubled");
  EXPECT_EQ(error_of("a\n\"b"),
            "cannot read 't.csv' as CSV, line 2, row 2: a value that begins with a quotation mark does not end with "
            "one");
  EXPECT_NE(error_of("\"a\" b"), "none");
}

TEST(CsvRecordsTest, RowsBeforeAnErrorAreGiven) {
  const std::unique_ptr<Records> records = csv_records(',', "t.csv");
  records->append("1\n2\n\"3\"x\n4\n");
  Values row;
  EXPECT_TRUE(records->take(row));
  EXPECT_TRUE(records->take(row));
  EXPECT_EQ(row, Values{"2"});
  EXPECT_TRUE(records->has_record());
  EXPECT_THROW(records->take(row), InputError);
  records->append("5\n");
  records->end();
  EXPECT_THROW(records->take(row), InputError);
}

}  // namespace
}  // namespace prong::cli
