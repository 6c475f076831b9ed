// SPDX-License-Identifier: Apache-2.0

#include "gateway/post_form.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;

constexpr size_t kMaxBoundary = 200;  // RFC 2046 says 70

ApiError too_much() {
  ApiError e =
      api_error("MaxPostPreDataLengthExceededError", "Your POST request fields preceding the upload file were too large.");
  e.members.set("MaxPostPreDataLengthBytes", static_cast<int64_t>(kMaxFormHead));
  return e;
}

ApiError wrong_size(bool large, uint64_t proposed, uint64_t bound) {
  ApiError e = large ? api_error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
                     : api_error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
  e.members.set("ProposedSize", std::to_string(proposed));
  e.members.set(large ? "MaxSizeAllowed" : "MinSizeAllowed", std::to_string(bound));
  return e;
}

// The value of `name` in `form-data; name="a"; filename="b"`: a token or a quoted string. Null where it is not there.
std::optional<std::string> parameter(std::string_view text, std::string_view name) {
  size_t at = text.find(';');
  while (at < text.size()) {
    text = trim(text.substr(at + 1));
    size_t equals = std::min(text.find_first_of("=;"), text.size());
    bool wanted = equal_ignoring_case(trim(text.substr(0, equals)), name);
    if (equals == text.size() || text[equals] == ';') {
      at = equals;
      continue;
    }
    text = trim(text.substr(equals + 1));
    std::string value;
    if (text.starts_with('"')) {
      size_t i = 1;
      for (; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
        value += text[i];
      }
      if (i >= text.size()) return std::nullopt;
      at = std::min(text.find(';', i), text.size());
    } else {
      at = std::min(text.find(';'), text.size());
      value = trim(text.substr(0, at));
    }
    if (wanted) return value;
  }
  return std::nullopt;
}

std::string_view header_value(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    size_t end = std::min(head.find("\r\n"), head.size());
    std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    size_t colon = line.find(':');
    if (colon != line.npos && equal_ignoring_case(line.substr(0, colon), name)) return trim(line.substr(colon + 1));
  }
  return {};
}

// A page to be shown next: absolute, http or https, nothing that could end a header.
bool is_page(std::string_view url) {
  std::string start = lower(url.substr(0, 8));
  bool http = start.starts_with("http://") || start == "https://";
  return http && std::all_of(url.begin(), url.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::string form_boundary(std::string_view content_type) {
  std::string_view type = trim(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
  if (!equal_ignoring_case(type, "multipart/form-data")) return {};
  auto boundary = parameter(content_type, "boundary");
  return boundary && boundary->size() <= kMaxBoundary ? *boundary : std::string();
}

PostForm::PostForm(std::string boundary, Encode encode, Admit admit)
    : delimiter_("\r\n--" + std::move(boundary)), encode_(std::move(encode)), admit_(std::move(admit)), buffer_("\r\n") {}

Result<> PostForm::refuse(ApiError error) {
  error_ = std::move(error);
  return fail(Errc::Invalid, error_.code);
}

Result<> PostForm::malformed() {
  return refuse(api_error("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."));
}

// After a delimiter: the line's end, or two dashes where it was the last.
Result<bool> PostForm::take_delimiter() {
  if (buffer_.size() < 2) return false;
  std::string_view end = std::string_view(buffer_).substr(0, 2);
  if (end == "--") {
    state_ = State::After;
    return true;
  }
  if (end != "\r\n") TRY(malformed());
  buffer_.erase(0, 2);
  state_ = State::Head;
  return true;
}

Result<bool> PostForm::take_head() {
  size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  std::string_view disposition = header_value(std::string_view(buffer_).substr(0, end), "content-disposition");
  auto name = parameter(disposition, "name");
  if (!disposition.starts_with("form-data") || !name) TRY(malformed());
  name_ = std::move(*name);
  state_ = State::Field;
  if (equal_ignoring_case(name_, "file")) {
    std::string whole = parameter(disposition, "filename").value_or("");
    filename = whole.substr(whole.find_last_of("/\\") + 1);  // npos + 1 is 0
    has_file_ = true;
    if (auto error = admit_(*this)) TRY(refuse(std::move(*error)));
    state_ = State::File;
  }
  buffer_.erase(0, end + 4);
  return true;
}

Result<bool> PostForm::take_field() {
  size_t end = buffer_.find(delimiter_);
  if (end == std::string::npos) return false;
  fields.emplace_back(std::move(name_), buffer_.substr(0, end));
  buffer_.erase(0, end + delimiter_.size());
  state_ = State::Delimiter;
  return true;
}

Result<> PostForm::pass(std::string_view bytes, std::string& out) {
  file_bytes_ += bytes.size();
  if (length.max && file_bytes_ > *length.max) return refuse(wrong_size(true, file_bytes_, *length.max));
  out.append(bytes);
  return {};
}

// What could be the start of a delimiter waits for more.
Result<bool> PostForm::take_file(std::string& out) {
  size_t end = buffer_.find(delimiter_);
  if (end != std::string::npos) {
    TRY(pass(std::string_view(buffer_).substr(0, end), out));
    state_ = State::After;
    return true;
  }
  if (buffer_.size() < delimiter_.size()) return false;
  size_t sure = buffer_.size() - delimiter_.size() + 1;
  TRY(pass(std::string_view(buffer_).substr(0, sure), out));
  buffer_.erase(0, sure);
  return false;
}

// One piece of the form; false: more is needed.
Result<bool> PostForm::step(std::string& out) {
  switch (state_) {
    case State::Start:
      if (buffer_.size() < delimiter_.size()) return false;
      if (!buffer_.starts_with(delimiter_)) TRY(malformed());
      buffer_.erase(0, delimiter_.size());
      state_ = State::Delimiter;
      return true;
    case State::Delimiter:
      return take_delimiter();
    case State::Head:
      return take_head();
    case State::Field:
      return take_field();
    case State::File:
      return take_file(out);
    case State::After:
      buffer_.clear();
      break;
  }
  return false;
}

Result<> PostForm::decode(std::string_view wire, std::string& out) {
  while (!wire.empty()) {
    bool head = state_ != State::File && state_ != State::After;
    // Before the file in small steps, so that the buffer never holds much more than the limit.
    std::string_view piece = head ? wire.substr(0, kMaxFormHead) : wire;
    wire.remove_prefix(piece.size());
    buffer_.append(piece);
    while (true) {
      size_t before = buffer_.size();
      bool in_head = state_ != State::File && state_ != State::After;
      bool more = TRY(step(out));
      if (in_head) head_bytes_ += before - buffer_.size();
      if (head_bytes_ > kMaxFormHead) return refuse(too_much());
      if (!more) break;
    }
    bool waits = state_ != State::File && state_ != State::After;
    if (waits && head_bytes_ + buffer_.size() > kMaxFormHead) return refuse(too_much());
  }
  return {};
}

Result<> PostForm::finish() {
  if (state_ != State::After) return malformed();
  if (!has_file_) {
    return refuse(model::invalid_argument("POST requires exactly one file upload per request.", "file", "0"));
  }
  if (file_bytes_ < length.min) return refuse(wrong_size(false, file_bytes_, length.min));
  return {};
}

http::Response form_success(const PostForm& form, http::Response stored, std::string_view location, std::string_view bucket,
                            std::string_view key) {
  std::string etag(stored.headers.get("etag"));
  stored.body = {};
  stored.content_length.reset();
  stored.headers.remove("content-type");
  const std::string* page = form.field("success_action_redirect");
  if (page == nullptr) page = form.field("redirect");
  if (page != nullptr && is_page(*page)) {
    std::string to = *page;
    to.append(to.find('?') == to.npos ? "?" : "&").append("bucket=").append(percent_encode(bucket, Slash::Encode));
    to.append("&key=").append(percent_encode(key, Slash::Encode)).append("&etag=").append(percent_encode(etag, Slash::Encode));
    stored.status = 303;
    stored.headers.set("Location", to);
    return stored;
  }
  const std::string* status = form.field("success_action_status");
  stored.status = status && *status == "200" ? 200 : status && *status == "201" ? 201 : 204;
  stored.headers.set("Location", location);
  if (stored.status != 201) return stored;
  stored.headers.set("Content-Type", "application/xml");
  std::string& out = stored.body.bytes;
  out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>" + escape_xml(location) + "</Location><Bucket>";
  out.append(escape_xml(bucket)).append("</Bucket><Key>").append(escape_xml(key)).append("</Key><ETag>");
  out.append(escape_xml(etag)).append("</ETag></PostResponse>");
  return stored;
}

}  // namespace gust::gateway
