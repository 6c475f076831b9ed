// SPDX-License-Identifier: Apache-2.0

#include "gateway/sts.h"

namespace gust::gateway {

void Sts::call(model::Call call, model::Responder responder) {
  const model::Identity& who = call.identity;
  // AWS: the account's number for root, an opaque id for others; the access key's id serves for it.
  bool root = who.principal_arn.ends_with(":root");
  Value out = Value::map();
  out.set("UserId", root || who.access_key_id.empty() ? who.account : who.access_key_id);
  out.set("Account", who.account);
  out.set("Arn", who.principal_arn);
  responder.reply(std::move(out));
}

}  // namespace gust::gateway
