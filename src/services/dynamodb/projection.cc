// SPDX-License-Identifier: Apache-2.0

#include "services/dynamodb/projection.h"

#include "services/dynamodb/encoded_item.h"
#include "services/dynamodb/legacy.h"

namespace gust::dynamodb {

Api<Projection> read_projection(const Value& input) {
  auto placeholders = Placeholders::read(input, {"ProjectionExpression"});
  if (!placeholders) return ApiFailure(std::move(placeholders.error()));
  auto projection = read_projection(input, *placeholders);
  if (!projection) return projection;
  if (auto e = placeholders->unused()) return ApiFailure(std::move(*e));
  return projection;
}

Api<Projection> read_projection(const Value& input, Placeholders& placeholders) {
  if (!input.has("ProjectionExpression")) return legacy::attributes_to_get(input);
  auto paths = parse_projection(input["ProjectionExpression"].as_string(), placeholders);
  if (!paths) return ApiFailure(std::move(paths.error()));
  return Projection(std::move(*paths));
}

Result<Value> projected_document(std::string_view bytes, const Projection& projection, size_t& size) {
  if (!projection) return document_of(bytes, size);
  const Item item = TRY(decode_item(bytes));
  size = size_of(item);
  return to_value(project(item, *projection));
}

}  // namespace gust::dynamodb
