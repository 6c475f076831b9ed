// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the experiment needs of a running Gust, over HTTP: bucket, table, functions with their triggers, the service; and
// the collecting of what came out. Only public APIs, but for the service and the meter (/_gust/services, /_gust/executions).
// Blocking; one thread. Errors come from aws::Client with what was tried in front.

#include <string>
#include <vector>

#include "experiment/experiment.h"
#include "experiment/records.h"
#include "gust/aws.h"

namespace gust::experiment {

class Deployment {
 public:
  // `run` names bucket, table, arms, workers and poll interval; it must outlive this.
  Deployment(const RunOptions& options, Run& run);

  Result<> find_programs() const;          // NotFound where the arms' programs are not built
  Result<> connect();                      // Gust answers; fills run.gust_version
  Result<> make();                         // everything but the service; fills run.deploy_ms of functions
  Result<> start_service(const Arm& arm);  // until it runs; fills run.deploy_ms
  Result<> stop_service(const Arm& arm);   // until it is off; adds to run.services. NotFound where it is not on
  // Rows of uploads first .. first + count - 1 of one arm.
  Result<std::vector<Value>> rows(const std::string& arm, size_t first, size_t count);
  // The four sources but the replay log. Waits a little for a meter that is behind its rows.
  Result<> collect(Collected& into);

 private:
  Result<http::Response> request(const std::string& service, const std::string& method, const std::string& path,
                                 std::string body = {}, const std::string& query = {});
  Result<> make_bucket();
  Result<> make_table();
  Result<std::string> make_function(const Arm& arm, const std::string& zip);  // its ARN
  Result<std::string> wait_until_active(const std::string& name);
  Result<> allow_bucket(const std::string& function);
  Result<> notify(const std::vector<std::pair<std::string, std::string>>& arns);  // arm, ARN
  Result<std::vector<Executed>> executions(const std::string& function);
  Result<Value> service_status(const std::string& name);
  Result<std::string> program(const std::string& name) const;

  const RunOptions& options_;
  Run& run_;
  aws::Client client_;
};

}  // namespace gust::experiment
