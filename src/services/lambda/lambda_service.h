// SPDX-License-Identifier: Apache-2.0

#pragma once

// AWS Lambda's API: functions, their policies, tags, concurrency and Invoke. Records live in the store, code in CodeStore,
// invocations go to the InvokePort. Invoke runs on the loop and reads nothing but memory; everything else runs on workers.
// A change is answered only after the commit and after the loop knows it, so that the next Invoke sees it.
//
// A new zip is unpacked before CreateFunction and UpdateFunctionCode answer, as AWS validates at creation: a bad zip is
// their 400. So a stored function is ready; Pending is seen only where code must be unpacked again after a start.
// Not built, refused by name: versions and aliases, code from S3, images, layers, and what settings.h refuses.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "invoke/ports.h"
#include "model/service.h"
#include "net/loop.h"
#include "net/worker_pool.h"
#include "os/clock.h"
#include "services/lambda/code_store.h"
#include "services/lambda/function_name.h"
#include "services/lambda/invoke_port.h"
#include "services/lambda/record.h"
#include "services/lambda/render.h"
#include "services/lambda/settings.h"
#include "store/store.h"

namespace gust::lambda {

// What the service needs; all must outlive it and everything that runs on them.
struct Parts {
  store::Store& store;
  net::Loop& loop;        // the invoke loop
  net::WorkerPool& disk;  // for bodies in files and for unpacked code
  CodeStore& code;
  InvokePort& port;
  invoke::EventSink& events;
  const Clock& clock;
};

class LambdaService : public model::Service, public invoke::InvokePolicy {
 public:
  LambdaService(Parts parts, Rules rules);

  // Puts every stored function into the port, removes code that none refers to and has missing code unpacked again.
  // Blocking; once, before the loop runs.
  Result<> load();

  std::string_view id() const override { return "lambda"; }
  bool implements(std::string_view operation) const override;
  model::Placement placement(std::string_view operation) const override;
  void call(model::Call call, model::Responder responder) override;

  Result<bool> may_invoke(store::View& view, std::string_view function_arn, std::string_view principal,
                          std::string_view source_arn, std::string_view source_account) override;

 private:
  using Problem = std::optional<model::ApiError>;
  using Handler = void (LambdaService::*)(model::Call&, const model::Responder&);
  static Handler handler(std::string_view operation);
  // Writes the change into the record; run inside the commit, maybe more than once.
  using Change = std::function<Problem(Record&)>;
  using Answer = std::function<model::Reply(const Record&)>;

  // A function as Invoke sees it. On the loop only.
  struct Live {
    invoke::FunctionPtr function;
    CodeState code = CodeState::Ready;
  };

  // lambda_service.cc
  tl::expected<FunctionName, model::ApiError> target(const model::Call& call) const;
  tl::expected<Record, model::ApiError> find(const FunctionName& name) const;
  static Result<std::optional<Record>> read(store::View& view, const FunctionName& name);
  void change(const FunctionName& name, Change change, Answer answer, const model::Responder& responder);
  void publish(const Record& record, std::function<void()> then);
  Result<> load_page(std::string& from, std::vector<Record>& records);
  void restore(const Record& record);

  // functions.cc
  void create_function(model::Call& call, const model::Responder& responder);
  void commit_creation(Record record, const model::Responder& responder);
  void get_function(model::Call& call, const model::Responder& responder);
  void get_function_configuration(model::Call& call, const model::Responder& responder);
  void list_functions(model::Call& call, const model::Responder& responder);
  void update_function_code(model::Call& call, const model::Responder& responder);
  void update_function_configuration(model::Call& call, const model::Responder& responder);
  void delete_function(model::Call& call, const model::Responder& responder);
  void with_code(const Value& code, const model::Responder& responder, std::function<void(std::string, uint64_t)> then);

  // permissions.cc
  void add_permission(model::Call& call, const model::Responder& responder);
  void remove_permission(model::Call& call, const model::Responder& responder);
  void get_policy(model::Call& call, const model::Responder& responder);

  // account.cc
  void put_function_concurrency(model::Call& call, const model::Responder& responder);
  void get_function_concurrency(model::Call& call, const model::Responder& responder);
  void delete_function_concurrency(model::Call& call, const model::Responder& responder);
  void get_account_settings(model::Call& call, const model::Responder& responder);
  void list_tags(model::Call& call, const model::Responder& responder);
  void tag_resource(model::Call& call, const model::Responder& responder);
  void untag_resource(model::Call& call, const model::Responder& responder);
  struct Totals {
    int64_t functions = 0, reserved = 0;
    uint64_t code_size = 0;
  };
  Result<Totals> totals(const model::Identity& identity, std::string_view except) const;

  // invocation.cc
  void invoke(model::Call& call, const model::Responder& responder);
  struct Invocation;
  void accept(std::shared_ptr<Invocation> invocation);
  void run(const std::shared_ptr<Invocation>& invocation);
  void enqueue(const std::shared_ptr<Invocation>& invocation);

  Parts parts_;
  Rules rules_;
  std::unordered_map<std::string, Live> live_;  // by unqualified ARN; on the loop only
};

}  // namespace gust::lambda
