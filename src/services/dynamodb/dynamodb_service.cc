// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/dynamodb_service.h"

#include <array>

#include "model/errors.h"

namespace gust::dynamodb {

DynamoDbService::DynamoDbService(store::Store& store, const Clock& clock)
    : store_(store), clock_(clock), statistics_(store, clock), removal_(store), builds_(store) {}

const DynamoDbService::Handler* DynamoDbService::handler(std::string_view operation) {
  using D = DynamoDbService;
  static constexpr std::array kHandlers = {
      Handler{.name = "BatchGetItem", .read = &D::batch_get_item},
      Handler{.name = "BatchWriteItem", .write = &D::batch_write_item},
      Handler{.name = "CreateTable", .write = &D::create_table},
      Handler{.name = "DeleteItem", .write = &D::delete_item},
      Handler{.name = "DeleteTable", .write = &D::delete_table},
      Handler{.name = "DescribeContinuousBackups", .read = &D::describe_continuous_backups},
      Handler{.name = "DescribeContributorInsights", .read = &D::describe_contributor_insights},
      Handler{.name = "DescribeEndpoints", .read = &D::describe_endpoints},
      Handler{.name = "DescribeKinesisStreamingDestination", .read = &D::describe_kinesis_streaming_destination},
      Handler{.name = "DescribeLimits", .read = &D::describe_limits},
      Handler{.name = "DescribeTable", .read = &D::describe_table},
      Handler{.name = "DescribeTimeToLive", .read = &D::describe_time_to_live},
      Handler{.name = "GetItem", .read = &D::get_item},
      Handler{.name = "ListTables", .read = &D::list_tables},
      Handler{.name = "ListTagsOfResource", .read = &D::list_tags_of_resource},
      Handler{.name = "PutItem", .write = &D::put_item},
      Handler{.name = "Query", .read = &D::query},
      Handler{.name = "Scan", .read = &D::scan},
      Handler{.name = "TagResource", .write = &D::tag_resource},
      Handler{.name = "UntagResource", .write = &D::untag_resource},
      Handler{.name = "UpdateItem", .write = &D::update_item},
      Handler{.name = "UpdateTable", .write = &D::update_table},
  };
  for (const Handler& h : kHandlers) {
    if (h.name == operation) return &h;
  }
  return nullptr;
}

std::vector<std::string_view> DynamoDbService::without_effect() const {
  return {"ProvisionedThroughput, OnDemandThroughput, WarmThroughput: nothing is throttled by them.",
          "SSESpecification: nothing is encrypted at rest.", "TableClass: there is one."};
}

bool DynamoDbService::implements(std::string_view operation) const { return handler(operation) != nullptr; }

void DynamoDbService::call(model::Call call, model::Responder responder) {
  const Handler* h = handler(call.operation);
  if (h == nullptr) return responder.error(model::not_implemented(id(), call.operation));
  if (h->write != nullptr) return (this->*h->write)(call, responder);
  auto answer = (this->*h->read)(call);
  if (!answer) return responder.error(std::move(answer.error()));
  responder.reply(std::move(*answer));
}

Result<> DynamoDbService::load() {
  TRY(removal_.resume());
  return builds_.resume();
}

Api<std::unique_ptr<store::View>> DynamoDbService::view() {
  auto view = store_.read();
  if (!view) return ApiFailure(model::from_error("dynamodb", view.error()));
  return std::move(*view);
}

Api<std::shared_ptr<const Table>> DynamoDbService::table_of(store::View& view, const TableName& name,
                                                            const model::Identity& identity) {
  auto table = tables_->read(view, identity, name.name);
  if (!table) return ApiFailure(model::from_error("dynamodb", table.error()));
  if (!*table) return ApiFailure(table_not_found());
  return std::move(*table);
}

}  // namespace gust::dynamodb
