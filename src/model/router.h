// SPDX-License-Identifier: Apache-2.0

#pragma once

// Finds the operation of a REST request by method, path template, query and headers. Immutable after construction, any
// thread. Where several operations share a template (S3), the one wins whose literal query parameters are there and whose
// required query and header members are there; deprecated twins never win.

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"
#include "model/table.h"

namespace gust::model {

using QueryList = std::vector<std::pair<std::string, std::string>>;  // decoded, in order

// At most `limit` parameters (TooLarge). A badly encoded one: Invalid.
Result<QueryList> parse_query(std::string_view raw, size_t limit = 1000);

struct RequestView {
  std::string_view method;
  std::string_view path;  // still percent-encoded; S3: with the bucket in front
  std::string_view query;
  const http::Headers* headers = nullptr;
};

struct Match {
  static constexpr size_t kMaxLabels = 8;
  const Operation* operation = nullptr;
  Protocol protocol = Protocol::RestJson;                                     // in which the request came and the answer goes
  std::array<std::pair<const Member*, std::string_view>, kMaxLabels> labels;  // raw text, points into the request's path
  size_t label_count = 0;
  QueryList query;
};

class Router {
 public:
  explicit Router(const ServiceTable& table);
  // False: nothing of this service has that path.
  bool match(const RequestView& request, Match& match) const;

 private:
  struct Segment {
    std::string_view literal;  // empty: a label
    const Member* label = nullptr;
    bool greedy = false;
  };
  struct Route {
    const Operation* operation;
    std::vector<Segment> segments;
    QueryList query;  // literal parameters; an empty value means: any value
    std::vector<std::string_view> required_query, required_headers;
  };
  struct Group {  // routes that share method and first segment
    std::string_view method, first;
    std::vector<Route> routes;
  };
  Route make_route(const Operation& operation) const;
  const Group* group(std::string_view method, std::string_view first) const;
  static bool fits(const Route& route, std::string_view path, Match& match);
  static int score(const Route& route, const RequestView& request, const QueryList& query);  // < 0: does not fit

  const ServiceTable& table_;
  std::vector<Group> groups_;
};

}  // namespace gust::model
