// SPDX-License-Identifier: Apache-2.0

#include "model/router.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"

namespace gust::model {
namespace {

const std::string* find_parameter(const QueryList& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view first_segment(std::string_view path) {
  if (path.size() < 2) return {};
  size_t end = path.find('/', 1);
  return path.substr(1, end == path.npos ? path.npos : end - 1);
}

}  // namespace

Result<QueryList> parse_query(std::string_view raw, size_t limit) {
  QueryList out;
  while (!raw.empty()) {
    size_t end = std::min(raw.find('&'), raw.size());
    std::string_view item = raw.substr(0, end);
    raw.remove_prefix(std::min(end + 1, raw.size()));
    if (item.empty()) continue;
    if (out.size() >= limit) return fail(Errc::TooLarge, "more than " + std::to_string(limit) + " query parameters");
    size_t equals = std::min(item.find('='), item.size());
    std::string name = TRY(percent_decode(item.substr(0, equals), Plus::Space));
    std::string value = equals < item.size() ? TRY(percent_decode(item.substr(equals + 1), Plus::Space)) : std::string();
    out.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

Router::Router(const ServiceTable& table) : table_(table) {
  for (const Operation& o : table.operations()) {
    Route route = make_route(o);
    std::string_view first = route.segments.empty() ? std::string_view() : route.segments[0].literal;
    std::string_view method = table.text(o.method);
    auto at =
        std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) { return g.method == method && g.first == first; });
    if (at == groups_.end()) at = groups_.insert(groups_.end(), Group{method, first, {}});
    at->routes.push_back(std::move(route));
  }
}

Router::Route Router::make_route(const Operation& operation) const {
  Route route{&operation, {}, {}, {}, {}};
  std::string_view uri = table_.text(operation.uri);
  size_t mark = uri.find('?');
  if (mark != uri.npos) {
    auto query = parse_query(uri.substr(mark + 1));
    GUST_CHECK(query.has_value());
    route.query = std::move(*query);
    uri = uri.substr(0, mark);
  }
  const Shape* input = operation.input == kNone ? nullptr : &table_.shape(operation.input);
  while (uri.size() > 1) {
    std::string_view text = first_segment(uri);
    uri.remove_prefix(text.size() + 1);
    if (text.empty()) continue;
    Segment segment{text, nullptr, false};
    if (text.front() == '{') {
      segment.greedy = text.ends_with("+}");
      std::string_view name = text.substr(1, text.size() - (segment.greedy ? 3 : 2));
      for (const Member& m : input ? table_.members(*input) : std::span<const Member>()) {
        if (m.location == Location::Uri && table_.text(m.wire) == name) segment.label = &m;
      }
      GUST_CHECK(segment.label != nullptr);
      segment.literal = {};
    }
    route.segments.push_back(segment);
  }
  for (const Member& m : input ? table_.members(*input) : std::span<const Member>()) {
    if (!(m.flags & kRequired)) continue;
    if (m.location == Location::Query) route.required_query.push_back(table_.text(m.wire));
    if (m.location == Location::Header) route.required_headers.push_back(table_.text(m.wire));
  }
  return route;
}

const Router::Group* Router::group(std::string_view method, std::string_view first) const {
  for (const Group& g : groups_) {
    if (g.first == first && g.method == method) return &g;
  }
  return nullptr;
}

bool Router::fits(const Route& route, std::string_view path, Match& match) {
  size_t at = 0;  // of a '/' or the end
  match.label_count = 0;
  for (const Segment& s : route.segments) {
    if (at >= path.size() || path[at] != '/') return false;
    size_t end = s.greedy ? path.size() : std::min(path.find('/', at + 1), path.size());
    std::string_view text = path.substr(at + 1, end - at - 1);
    if (text.empty()) return false;
    if (s.label == nullptr) {
      if (text != s.literal) return false;
    } else {
      if (match.label_count == Match::kMaxLabels) return false;
      match.labels[match.label_count++] = {s.label, text};
    }
    at = end;
  }
  return at == path.size() || path.substr(at) == "/";
}

int Router::score(const Route& route, const RequestView& request, const QueryList& query) {
  int score = 0;
  for (const auto& [name, value] : route.query) {
    const std::string* found = find_parameter(query, name);
    if (!found || (!value.empty() && *found != value)) return -1;
    score += 10'000;  // before completeness: DELETE /bucket?analytics without its id must never become DeleteBucket
  }
  bool complete = true;
  for (std::string_view name : route.required_query) {
    if (find_parameter(query, name)) score += 10;
    else complete = false;
  }
  for (std::string_view name : route.required_headers) {
    if (request.headers && request.headers->has(name)) score += 10;
    else complete = false;
  }
  return score * 2 + (complete ? 1000 : 0) + (route.operation->flags & kDeprecated ? 0 : 1);
}

bool Router::match(const RequestView& request, Match& match) const {
  auto query = parse_query(request.query);
  if (!query) return false;
  const Group* candidates[] = {group(request.method, first_segment(request.path)), group(request.method, {})};
  int best = -1;
  Match attempt;
  for (const Group* g : candidates) {
    if (!g || best >= 0) continue;
    for (const Route& route : g->routes) {
      if (!fits(route, request.path.empty() ? "/" : request.path, attempt)) continue;
      int points = score(route, request, *query);
      if (points <= best) continue;
      best = points;
      match.operation = route.operation;
      match.labels = attempt.labels;
      match.label_count = attempt.label_count;
    }
  }
  if (best < 0) return false;
  match.query = std::move(*query);
  return true;
}

}  // namespace gust::model
