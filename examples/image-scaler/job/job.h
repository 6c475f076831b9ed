// SPDX-License-Identifier: Apache-2.0

#pragma once

// One upload's work, the same for function and service: GET the object, make the renditions, PUT them, put one row.
//
// An upload is `uploads/RUN/ARM/SEQ.jpg`; object metadata run, arm, seq and sent-us (x-amz-meta-...) win over the key.
// Renditions go to `renditions/RUN/ARM/SEQ/WIDTH.jpg`. The row has the keys pk = RUN#ARM, sk = SEQ#ATTEMPT, where ATTEMPT
// is the first one that is free (attribute_not_exists), so that no execution overwrites another's row.
// An object that is to blame (no JPEG, too large, corrupt) gives a row with status `failed` and is not worth a retry; an
// object that was deleted meanwhile gives `skipped`. A platform failure is an error: whoever called tries again.
// One object per thread.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/value.h"
#include "gust/aws.h"
#include "image-scaler/core/scaler.h"

namespace gust::scaler {

struct JobOptions {
  std::string table;
  std::string size_name, size_value;  // "memory_mb" "1728", or "instance_type" "c4.large"
  Limits limits;
  Spec spec;
};

struct Upload {
  std::string bucket, key, etag;
  int64_t event_us = 0;  // wall clock: when it was uploaded, as far as the caller knows
  std::string request_id;
  bool first_call = false;
};

struct KeyParts {
  std::string run, arm, sequence;
};
// Takes "uploads/RUN/ARM/SEQ.jpg" apart; Invalid for any other key.
Result<KeyParts> parse_key(std::string_view key);

class Job {
 public:
  Job(aws::Client& client, JobOptions options) : client_(client), options_(std::move(options)) {}
  // The row as it was put. Errors: what may pass when tried again (a row with status `failed` is put where possible).
  Result<Value> run(const Upload& upload);

 private:
  struct State;
  Result<> work(const Upload& upload, State& state);
  Result<> upload_renditions(const Upload& upload, const Output& output, State& state);
  Result<> put_row(State& state);
  Value base_row(const Upload& upload) const;

  aws::Client& client_;
  JobOptions options_;
};

}  // namespace gust::scaler
