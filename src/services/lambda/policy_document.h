// SPDX-License-Identifier: Apache-2.0

#pragma once

// JSON texts that are values of the API themselves, so that a handler must print or check them: policy documents, the
// environment text that AWS measures, a caller's event and client context. The only file of the services that uses JSON
// (tools/layers.py knows the exception); everything else goes through model/. Thread-safe.

#include <string>
#include <string_view>

#include "services/lambda/record.h"

namespace gust::lambda {

std::string statement_text(const Statement& statement, std::string_view function_arn);
std::string policy_text(const Record& record);           // {"Version":"2012-10-17","Id":"default","Statement":[...]}
std::string environment_text(const Pairs& environment);  // {"KEY":"value",...}
bool is_event(std::string_view text);                    // one JSON document

}  // namespace gust::lambda
