// SPDX-License-Identifier: Apache-2.0

#include "cli/context.h"

#include <cstdlib>

#include "base/json.h"
#include "os/files.h"

namespace gust::cli {
namespace {

constexpr char kEndpoint[] = "http://127.0.0.1:4566";  // `gust serve`'s own defaults
constexpr char kState[] = "/var/lib/gust";
constexpr size_t kMaxCredentials = 1 << 20;

std::string first_of(std::initializer_list<std::string> choices) {
  for (const std::string& choice : choices) {
    if (!choice.empty()) return choice;
  }
  return {};
}

// The file's first key, in the form that gateway/credentials.cc writes. A file that is absent or not ours to read is no key.
Result<bool> read_key(const std::string& path, Context& context) {
  const auto text = files::read(path, kMaxCredentials);
  if (!text && (text.error().code == Errc::NotFound || text.error().code == Errc::Permission)) return false;
  if (!text) return Failure(text.error());
  const auto root = json::parse(*text);
  const Value& keys = root ? (*root)["keys"] : Value();
  if (keys.size() == 0) return fail(Errc::Invalid, path + " has no keys: remove it and restart gust serve, or set --state");
  const Value& key = keys.as_list()[0];
  context.aws.credentials = {std::string(key["access_key_id"].as_string()), std::string(key["secret_access_key"].as_string()),
                             std::string(key["session_token"].as_string())};
  context.account = key["account"].as_string(context.account);
  return true;
}

// Some protocols answer 400 to a wrong key.
bool is_about_key(const Error& error) {
  return error.code == Errc::Permission || error.message.starts_with("UnrecognizedClientException") ||
         error.message.starts_with("InvalidSignatureException");
}

Error with_advice(Error error, const Context& context) {
  // Gust's own pages have a message and no code; then the client puts "HTTP 404: " in front.
  if (const size_t colon = error.message.find(": "); error.message.starts_with("HTTP ") && colon == 8)
    error.message.erase(0, colon + 2);
  const auto url = http::parse_url(context.aws.endpoint);
  if (error.code == Errc::Unavailable && url && error.message.starts_with(url->host + ":" + std::to_string(url->port) + ": ")) {
    error.message =
        "nothing answers at " + context.aws.endpoint + ": start it with 'gust serve' or set --endpoint (" + error.message + ")";
  } else if (is_about_key(error)) {
    error.message += std::string(error.message.ends_with('.') ? "" : ".") + " The key is " +
                     context.aws.credentials.access_key_id +
                     ": set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or --state to the server's directory";
  } else if (error.code == Errc::Timeout) {
    error.message += " from " + context.aws.endpoint + ": look at its log, or try again";
  }
  return error;
}

}  // namespace

std::string variable(const char* name) {
  const char* text = getenv(name);
  return text ? text : "";
}

Result<Context> make_context(const Globals& globals, const Variable& get) {
  Context context;
  context.json = globals.json;
  context.aws.endpoint = first_of({globals.endpoint, get("GUST_ENDPOINT"), get("AWS_ENDPOINT_URL"), kEndpoint});
  while (context.aws.endpoint.ends_with('/')) context.aws.endpoint.pop_back();
  TRY(http::parse_url(context.aws.endpoint));
  context.state = first_of({globals.state, get("GUST_STATE"), kState});
  context.aws.region = first_of({globals.region, get("AWS_REGION"), get("AWS_DEFAULT_REGION"), "us-east-1"});
  const std::string id = get("AWS_ACCESS_KEY_ID"), secret = get("AWS_SECRET_ACCESS_KEY");
  if (!id.empty() && !secret.empty()) {
    context.aws.credentials = {id, secret, get("AWS_SESSION_TOKEN")};
    return context;
  }
  if (!TRY(read_key(context.state + "/credentials.json", context))) context.aws.credentials = {"test", "test", ""};
  return context;
}

Result<http::Response> send(const Context& context, const aws::Call& call, const Sending& sending) {
  aws::Config config = context.aws;
  config.attempts = sending.repeat == Repeat::Safe ? 3 : 1;
  config.timeout_us = sending.timeout_us;
  aws::Client client(std::move(config));
  auto response = client.call(call);
  if (!response) return Failure(with_advice(std::move(response).error(), context));
  return response;
}

Result<Value> ask(const Context& context, const aws::Call& call, const Sending& sending) {
  const http::Response response = TRY(send(context, call, sending));
  if (response.body.bytes.empty()) return Value::map();
  auto document = json::parse(response.body.bytes, {.depth = 128, .bytes = 256 << 20});
  if (!document) return Failure(std::move(document).error().in("the answer to " + call.method + " " + call.path));
  return document;
}

Result<Value> ask_gust(const Context& context, const std::string& path) {
  return ask(context, {.service = "lambda", .path = path}, {.repeat = Repeat::Safe});
}

}  // namespace gust::cli
