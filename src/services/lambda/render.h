// SPDX-License-Identifier: Apache-2.0

#pragma once

// Records as the API shows them (FunctionConfiguration). Empty members are left out where AWS leaves them out. Pure.

#include "base/value.h"
#include "services/lambda/code_store.h"
#include "services/lambda/record.h"

namespace gust::lambda {

enum class Moment {
  Created,  // answer of CreateFunction: Pending, no LastUpdateStatus
  Updated,  // answer of an update: LastUpdateStatus InProgress
  Now,      // State from the code store
  Listed,   // ListFunctions: no State, LastUpdateStatus and RuntimeVersionConfig
};

Value render_configuration(const Record& record, Moment moment, CodeState code = CodeState::Ready);
Value render_pairs(const Pairs& pairs);

}  // namespace gust::lambda
