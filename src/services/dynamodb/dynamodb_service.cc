// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/dynamodb_service.h"

#include <array>

#include "model/errors.h"

namespace gust::dynamodb {

DynamoDbService::DynamoDbService(store::Store& store, const Clock& clock)
    : store_(store), clock_(clock), statistics_(store, clock), removal_(store) {}

const DynamoDbService::Handler* DynamoDbService::handler(std::string_view operation) {
  using D = DynamoDbService;
  static constexpr std::array kHandlers = {
      Handler{.name = "BatchGetItem", .read = &D::batch_get_item},
      Handler{.name = "BatchWriteItem", .write = &D::batch_write_item},
      Handler{.name = "CreateTable", .write = &D::create_table},
      Handler{.name = "DeleteItem", .write = &D::delete_item},
      Handler{.name = "DeleteTable", .write = &D::delete_table},
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
  };
  for (const Handler& h : kHandlers) {
    if (h.name == operation) return &h;
  }
  return nullptr;
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

Result<> DynamoDbService::load() { return removal_.resume(); }

Api<std::unique_ptr<store::View>> DynamoDbService::view() {
  auto view = store_.read();
  if (!view) return ApiFailure(model::from_error("dynamodb", view.error()));
  return std::move(*view);
}

Api<Table> DynamoDbService::table_of(store::View& view, const TableName& name, const model::Identity& identity) {
  auto table = read_table(view, identity.account, identity.region, name.name);
  if (!table) return ApiFailure(model::from_error("dynamodb", table.error()));
  if (!*table) return ApiFailure(table_not_found());
  return std::move(**table);
}

std::optional<model::ApiError> refuse(std::string_view operation, const Value& input,
                                      std::initializer_list<std::string_view> members) {
  for (std::string_view member : members) {
    if (input.has(member)) return model::not_implemented("dynamodb", std::string(operation).append(" with ").append(member));
  }
  return std::nullopt;
}

}  // namespace gust::dynamodb
