// SPDX-License-Identifier: Apache-2.0

#pragma once

// CloudWatch Logs over the functions' plain log files: reading only. Group /aws/lambda/NAME is STATE/logs/NAME; a stream
// YYYY/MM/DD/[$LATEST]ENVIRONMENT is what one environment wrote, dated by its first line. Files know neither account nor
// region, so every account sees every group. On workers; blocking.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter/log_sink.h"
#include "model/service.h"
#include "services/logs/log_files.h"

namespace gust::logs {

class LogsService : public model::Service {
 public:
  // `sink` writes those files; it is flushed before reading. Must outlive this.
  LogsService(std::string state_directory, meter::LogSink& sink);
  std::string_view id() const override { return "logs"; }
  bool implements(std::string_view operation) const override;
  void call(model::Call call, model::Responder responder) override;

 private:
  using Answer = tl::expected<Value, model::ApiError>;
  using Handler = Answer (LogsService::*)(const model::Call&) const;
  static Handler handler(std::string_view operation);

  struct Stream {
    std::string name;
    int64_t first_ms = 0, last_ms = 0;
    uint64_t bytes = 0;
  };
  tl::expected<std::string, model::ApiError> group(const Value& input) const;
  Result<std::vector<Stream>> streams(const std::string& log) const;
  Answer get_log_events(const model::Call& call) const;
  Answer filter_log_events(const model::Call& call) const;
  Answer describe_log_groups(const model::Call& call) const;
  Answer describe_log_streams(const model::Call& call) const;

  LogFiles files_;
  meter::LogSink& sink_;
};

}  // namespace gust::logs
