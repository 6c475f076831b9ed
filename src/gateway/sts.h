// SPDX-License-Identifier: Apache-2.0

#pragma once

// GetCallerIdentity, which every tool asks first. All else of STS is refused by name.

#include "model/service.h"

namespace gust::gateway {

class Sts : public model::Service {
 public:
  std::string_view id() const override { return "sts"; }
  bool implements(std::string_view operation) const override { return operation == "GetCallerIdentity"; }
  void call(model::Call call, model::Responder responder) override;
};

}  // namespace gust::gateway
