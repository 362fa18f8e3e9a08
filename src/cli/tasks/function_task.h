// FunctionTask: calls of a Python function.
#pragma once

#include "cli/commands.h"
#include "cli/inputs/sources.h"
#include "cli/options/map_options.h"
#include "cli/tasks/task.h"

namespace prong::cli {

class FunctionTask final : public Task {
 public:
  /// `columns`: what those of inputs are called. Throws UsageError if they are parameters, and two have the same name.
  FunctionTask(MapOptions options, const SourceSettings& sources, Words columns);

  PoolOptions pool_options() const override;
  const Words& parameters() const { return parameters_; }
  Payload payload(Input& input, const OutputPaths* live) const override;
  void identify(const Input& input, ContentKey::Maker& maker) const override;
  const ReplacementNames& replacement_names() const override { return names_; }
  std::string describe(const Input& input) const override;
  bool succeeded(const Job& job) const override;
  std::string_view returned(const Job& job) const override;
  void show(const Input& input, const Job& job, const std::string& prefix, Sink& sink) const override;
  Outputs outputs(const Job& job) const override;
  std::string complaint(const Job& job) const override;
  std::string explain(const std::string& failure) const override;
  std::unique_ptr<ResultStore> result_store() const override;
  bool workers_end_in_order() const override { return true; }

 private:
  MapOptions options_;
  ReplacementNames names_;
  Words parameters_;  // which the values of inputs are for; empty: as they come
};

}  // namespace prong::cli
