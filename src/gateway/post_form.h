// SPDX-License-Identifier: Apache-2.0

#pragma once

// A browser's POST of a form to a bucket ("POST Object", Amazon S3 API reference): multipart/form-data whose fields say what
// the file that follows them becomes. The filter keeps the fields, asks once whether they may be, and lets the file's bytes
// through. Fields after the file are ignored. Limits: 20 KB before the file's first byte, boundaries of 200 characters.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/post_policy.h"
#include "http/message.h"
#include "model/service.h"

namespace gust::gateway {

constexpr size_t kMaxFormHead = 20 << 10;

// The boundary of a Content-Type "multipart/form-data; boundary=..."; empty where it is another type or has none.
std::string form_boundary(std::string_view content_type);

class PostForm : public http::BodyFilter {
 public:
  using Encode = std::function<http::Response(const model::ApiError&)>;
  // Called when the fields are complete and the file begins, on the thread that decodes. May set the length range.
  using Admit = std::function<std::optional<model::ApiError>(PostForm&)>;
  PostForm(std::string boundary, Encode encode, Admit admit);
  Result<> decode(std::string_view wire, std::string& out) override;
  Result<> finish() override;
  http::Response refusal(const Error& error) const override { return (void)error, encode_(error_); }

  FormFields fields;
  LengthRange length;
  std::string filename;  // the file's, without directories
  const std::string* field(std::string_view name) const { return find_field(fields, name); }

 private:
  enum class State { Start, Delimiter, Head, Field, File, After };
  Result<> refuse(model::ApiError error);
  Result<> malformed();
  Result<bool> step(std::string& out);
  Result<bool> take_delimiter();
  Result<bool> take_head();
  Result<bool> take_field();
  Result<bool> take_file(std::string& out);
  Result<> pass(std::string_view bytes, std::string& out);

  std::string delimiter_;  // CR LF -- boundary
  Encode encode_;
  Admit admit_;
  State state_ = State::Start;
  std::string buffer_;
  std::string name_;  // of the field being read
  size_t head_bytes_ = 0;
  uint64_t file_bytes_ = 0;
  bool has_file_ = false;
  model::ApiError error_;
};

// The answer to a form that was stored: success_action_redirect, success_action_status. `stored` is PutObject's answer.
http::Response form_success(const PostForm& form, http::Response stored, std::string_view location, std::string_view bucket,
                            std::string_view key);

}  // namespace gust::gateway
