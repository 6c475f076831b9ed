// SPDX-License-Identifier: Apache-2.0

#pragma once

// Whom a verb talks to, and as whom. One object serves one run of the command; read-only after it was made.

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/value.h"
#include "gust/aws.h"

namespace gust::cli {

struct Globals {  // options that every verb takes; empty: not given
  std::string endpoint, region, state;
  bool json = false;
};

struct Context {
  aws::Config aws;
  std::string account = "000000000000";  // of the key, where the credentials file tells it
  std::string state;                     // the server's directory: --state, GUST_STATE, /var/lib/gust
  bool json = false;
};

using Variable = std::function<std::string(const char*)>;  // of the environment; empty where it is not set
std::string variable(const char* name);                    // of this process

// Endpoint: --endpoint, GUST_ENDPOINT, AWS_ENDPOINT_URL, http://127.0.0.1:4566. Region: --region, AWS_REGION,
// AWS_DEFAULT_REGION, us-east-1. Key: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the first of STATE/credentials.json where
// this user may read it (STATE: --state, GUST_STATE, /var/lib/gust); test/test, which `gust serve --dev` accepts.
// Invalid: no URL, or a credentials file that is none.
Result<Context> make_context(const Globals& globals, const Variable& variable);

// Repeat::Safe: the call may be sent again where it failed or its answer was lost.
enum class Repeat { Never, Safe };
struct Sending {
  Repeat repeat = Repeat::Never;
  int64_t timeout_us = 60'000'000;  // between two bytes of the answer
};
// Signs and sends. Errors say what to do where nothing answers or the key is refused.
Result<http::Response> send(const Context& context, const aws::Call& call, const Sending& sending = {});
// The answer's JSON document.
Result<Value> ask(const Context& context, const aws::Call& call, const Sending& sending = {});
// A GET of one of Gust's own pages ("/_gust/ps").
Result<Value> ask_gust(const Context& context, const std::string& path);

}  // namespace gust::cli
