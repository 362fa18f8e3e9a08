#include "cli/queue/queue_submission.h"

#include <gtest/gtest.h>

#include "prong/command.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;

const std::string kTicket(32, 'a');

json submission(json job) {
  job["ticket"] = kTicket;
  return {{"surroundings", {{"folder", "/here"}, {"environment", {"A=b", "PRONG_JOB=7"}}}}, {"jobs", {job}}};
}

SubmittedJob submitted(const json& job) {
  return submitted_jobs(submission(job), IfLost::kFail).at(0);
}

TEST(QueueSubmissionTest, ACommandWithItsOptions) {
  const SubmittedJob job = submitted({{"arguments", {"ls", {{"base64", "/w=="}}}},
                                      {"description", "ls"},
                                      {"priority", -3},
                                      {"if_lost", "retry"},
                                      {"settings", {{"timeout", "2m"}, {"retries", "3"}}}});
  EXPECT_EQ(decode_command(as_bytes(job.payload)).arguments, (std::vector<std::string>{"ls", "\xff"}));
  EXPECT_EQ(job.ticket, std::string(16, '\xaa'));
  const QueuedOptions options = queued_options_of(job.options);
  EXPECT_TRUE(options.is_command);
  EXPECT_EQ(options.priority, -3);
  EXPECT_EQ(options.if_lost, IfLost::kRetry);
  EXPECT_EQ(options.job.timeout, std::chrono::minutes(2));
  EXPECT_EQ(options.job.retry.retries, 3);
}

TEST(QueueSubmissionTest, WhatASubmitterWasToldAsAJobIsNotHandedOn) {
  const SubmittedJob job = submitted({{"arguments", {"ls"}}});
  const QueuedSurroundings surroundings = queued_surroundings_of(job.surroundings);
  EXPECT_EQ(surroundings.folder, "/here");
  EXPECT_EQ(surroundings.environment, std::vector<std::string>{"A=b"});
  EXPECT_EQ(job.surroundings.find("PRONG_JOB"), std::string::npos);  // else each job would have others
}

TEST(QueueSubmissionTest, BytesThereAndBack) {
  for (const std::string bytes : {"", "text", "gr\xc3\xbc\xc3\x9f", "\xff\xfe", "a\nb"})
    EXPECT_EQ(bytes_of_json(json_of_bytes(bytes), "x"), bytes);
}

TEST(QueueSubmissionTest, NonsenseIsRefused) {
  const json wrong[] = {{{"arguments", json::array()}},
                        {{"arguments", "ls"}},
                        {{"arguments", {1}}},
                        {{"arguments", {"ls"}}, {"kind", "else"}},
                        {{"arguments", {"ls"}}, {"priority", 1.5}},
                        {{"arguments", {"ls"}}, {"priority", 1e18}},
                        {{"arguments", {"ls"}}, {"priority", 1'000'000'000'000}},
                        {{"arguments", {"ls"}}, {"if_lost", "maybe"}},
                        {{"arguments", {"ls"}}, {"settings", {{"timeout", "soon"}}}},
                        {{"arguments", {"ls"}}, {"settings", {{"nosuch", "1"}}}},
                        {{"arguments", {"ls"}}, {"settings", 3}},
                        {{"arguments", {"ls"}}, {"description", nullptr}},
                        {{"kind", "python"}, {"call", "aaaa"}},
                        {{"kind", "python"}, {"call", "?"}}};
  for (const json& job : wrong) EXPECT_THROW(submitted(job), UsageError) << job;
  json two = submission({{"arguments", {"ls"}}});
  two["jobs"].push_back(3);
  EXPECT_THROW(submitted_jobs(two, IfLost::kFail), UsageError);
  EXPECT_THROW(submitted_jobs({{"jobs", json::array()}}, IfLost::kFail), UsageError);
}

}  // namespace
}  // namespace prong::cli
