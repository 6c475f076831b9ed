// SPDX-License-Identifier: Apache-2.0

// Forms from a stranger: however the bytes are cut, the same comes out; never more than was sent, never more than 20 KB of
// fields. The first byte says how they are cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/log.h"
#include "gateway/post_form.h"

using namespace gust;

namespace {

struct Outcome {
  std::string body, code, filename;
  gateway::FormFields fields;
  bool operator==(const Outcome&) const = default;
};

Outcome run(std::string_view wire, size_t step) {
  gateway::PostForm form(
      "B",
      [](const model::ApiError& e) {
        http::Response r;
        r.body.bytes = e.code;
        return r;
      },
      [](gateway::PostForm& f) {
        f.length = {0, 64};
        return std::optional<model::ApiError>();
      });
  Outcome out;
  size_t length = wire.size();
  for (; !wire.empty(); wire.remove_prefix(std::min(step, wire.size()))) {
    if (auto passed = form.decode(wire.substr(0, step), out.body); !passed) {
      return {{}, form.refusal(passed.error()).body.bytes, {}, {}};
    }
  }
  if (auto passed = form.finish(); !passed) return {{}, form.refusal(passed.error()).body.bytes, {}, {}};
  GUST_CHECK(out.body.size() <= length && out.body.size() <= 64);
  size_t held = 0;
  for (const auto& [name, value] : form.fields) held += name.size() + value.size();
  GUST_CHECK(held <= gateway::kMaxFormHead);
#ifdef GUST_PLANTED_BUG
  if (form.fields.size() > 1 && !form.filename.empty()) std::abort();
#endif
  out.fields = form.fields;
  out.filename = form.filename;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view wire(reinterpret_cast<const char*>(data + 1), size - 1);
  Outcome whole = run(wire, wire.size());
  GUST_CHECK(run(wire, data[0] % 31 + 1) == whole);
  (void)gateway::form_boundary(wire);
  return 0;
}
