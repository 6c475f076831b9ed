// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/render.h"

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"

namespace gust::lambda {
namespace {

Value one(std::string_view name, Value value) {
  Value v = Value::map();
  v.set(name, std::move(value));
  return v;
}

void set_state(Value& v, Moment moment, CodeState code) {
  if (moment == Moment::Created || code == CodeState::Pending) {
    v.set("State", "Pending");
    v.set("StateReason", "The function is being created.");
    v.set("StateReasonCode", "Creating");
  } else if (code == CodeState::Failed) {
    v.set("State", "Failed");
    v.set("StateReason", "The function's code could not be unpacked.");
    v.set("StateReasonCode", "InvalidZipFileException");
  } else {
    v.set("State", "Active");
  }
  if (moment == Moment::Updated) {
    v.set("LastUpdateStatus", "InProgress");
    v.set("LastUpdateStatusReason", "The function is being created.");
    v.set("LastUpdateStatusReasonCode", "Creating");
  } else if (moment == Moment::Now) {
    v.set("LastUpdateStatus", "Successful");
  }
}

}  // namespace

Value render_pairs(const Pairs& pairs) {
  Value v = Value::map();
  for (const auto& [name, value] : pairs) v.set(name, value);
  return v;
}

Value render_configuration(const Record& r, Moment moment, CodeState code) {
  Value v = Value::map();
  v.set("FunctionName", r.name);
  v.set("FunctionArn", r.arn());
  v.set("Runtime", r.runtime);
  v.set("Role", r.role);
  v.set("Handler", r.handler);
  v.set("CodeSize", r.code_size);
  v.set("Description", r.description);
  v.set("Timeout", r.timeout_s);
  v.set("MemorySize", r.memory_mb);
  v.set("LastModified", iso8601_lambda(r.modified_ms));
  v.set("CodeSha256", base64_encode(hex_decode(r.code).value_or("")));
  v.set("Version", "$LATEST");
  if (r.has_environment) v.set("Environment", one("Variables", render_pairs(r.environment)));
  v.set("TracingConfig", one("Mode", "PassThrough"));
  v.set("RevisionId", r.revision_id);
  v.set("PackageType", "Zip");
  v.set("Architectures", Value::List{Value(r.architecture)});
  v.set("EphemeralStorage", one("Size", r.tmp_mb));
  Value& snap_start = v.set("SnapStart", one("ApplyOn", "None"));
  snap_start.set("OptimizationStatus", "Off");
  Value& logging = v.set("LoggingConfig", one("LogFormat", "Text"));
  logging.set("LogGroup", "/aws/lambda/" + r.name);
  if (moment != Moment::Listed) {
    set_state(v, moment, code);
    v.set("RuntimeVersionConfig",
          one("RuntimeVersionArn", "arn:aws:lambda:" + r.region + "::runtime:" + hex_encode(sha256(r.runtime))));
  }
  return v;
}

}  // namespace gust::lambda
