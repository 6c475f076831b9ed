// SPDX-License-Identifier: Apache-2.0

#include "gateway/aws_chunked.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;

constexpr size_t kHeadBytes = 128;
constexpr size_t kTrailerBytes = 8 << 10;
constexpr uint64_t kLeastChunk = 8 << 10;
constexpr std::string_view kSignatureMark = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
constexpr std::string_view kTrailerNames[] = {"x-amz-checksum-crc32", "x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme",
                                              "x-amz-checksum-sha1", "x-amz-checksum-sha256"};

bool is_signature(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

ApiError incomplete_body(uint64_t expected, uint64_t provided) {
  ApiError e = api_error("IncompleteBody",
                         "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header");
  e.members.set("NumberBytesExpected", expected);
  e.members.set("NumberBytesProvided", provided);
  return e;
}

ApiError malformed_trailer() {
  return api_error("MalformedTrailerError",
                   "The request contained trailing data that was not well-formed or did not conform to our published schema.");
}

ApiError wrong_signature() {
  return api_error("SignatureDoesNotMatch",
                   "The request signature we calculated does not match the signature you provided. Check your key and signing "
                   "method.",
                   403);
}

tl::expected<std::vector<std::string>, ApiError> announced(std::string_view header) {
  std::vector<std::string> out;
  while (!header.empty()) {
    size_t end = std::min(header.find(','), header.size());
    std::string name = lower(trim(header.substr(0, end)));
    header.remove_prefix(std::min(end + 1, header.size()));
    if (name.empty()) continue;
    if (std::find(std::begin(kTrailerNames), std::end(kTrailerNames), name) == std::end(kTrailerNames)) {
      if (name.starts_with("x-amz-checksum-")) return tl::unexpected(model::not_implemented("s3", name));
      return tl::unexpected(api_error("InvalidRequest", "The value specified in the x-amz-trailer header is not supported"));
    }
    if (!out.empty()) {
      return tl::unexpected(
          api_error("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."));
    }
    out.push_back(std::move(name));
  }
  return out;
}

std::string to_sign(std::string_view kind, const ChunkSeal& seal, std::string_view previous) {
  std::string text(kind);
  return text.append("\n")
      .append(seal.amz_date)
      .append("\n")
      .append(seal.scope.text())
      .append("\n")
      .append(previous)
      .append("\n");
}

}  // namespace

uint64_t ChunkedForm::wire_limit() const {
  return decoded_length + (decoded_length / kLeastChunk + 4) * kHeadBytes + kTrailerBytes;
}

tl::expected<std::optional<ChunkedForm>, ApiError> chunked_form(const http::Headers& headers) {
  std::string_view mode = headers.get("x-amz-content-sha256");
  if (!mode.starts_with("STREAMING-")) return std::nullopt;
  if (mode.starts_with("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")) {
    return tl::unexpected(model::not_implemented("s3", std::string("a body in the form ") + std::string(mode)));
  }
  ChunkedForm form;
  form.has_trailers = mode.ends_with("-TRAILER");
  form.is_signed = mode.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  if (mode != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" && mode != "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" &&
      mode != "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") {
    return tl::unexpected(model::invalid_argument(
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        "x-amz-content-sha256", mode));
  }
  const std::string* length = headers.find("x-amz-decoded-content-length");
  if (length == nullptr) {
    return tl::unexpected(api_error("MissingContentLength", "You must provide the Content-Length HTTP header.", 411));
  }
  auto n = parse_uint(trim(*length));
  // Far above every limit, and far from where sums of it would wrap.
  if (!n || *n > uint64_t{1} << 60) {
    return tl::unexpected(
        model::invalid_argument("x-amz-decoded-content-length must be a number", "x-amz-decoded-content-length", *length));
  }
  form.decoded_length = *n;
  if (form.has_trailers) {
    auto names = announced(headers.get("x-amz-trailer"));
    if (!names) return tl::unexpected(std::move(names.error()));
    form.trailers = std::move(*names);
  }
  return form;
}

std::string without_aws_chunked(std::string_view encoding) {
  std::string out;
  while (!encoding.empty()) {
    size_t end = std::min(encoding.find(','), encoding.size());
    std::string_view name = trim(encoding.substr(0, end));
    encoding.remove_prefix(std::min(end + 1, encoding.size()));
    if (!name.empty() && !equal_ignoring_case(name, "aws-chunked")) out.append(out.empty() ? "" : ",").append(name);
  }
  return out;
}

std::string chunk_signature(const ChunkSeal& seal, std::string_view previous, std::string_view sha256_hex) {
  static const std::string kEmpty = hex_encode(sha256(""));
  return sigv4::signature(seal.key,
                          to_sign("AWS4-HMAC-SHA256-PAYLOAD", seal, previous).append(kEmpty).append("\n").append(sha256_hex));
}

std::string trailer_signature(const ChunkSeal& seal, std::string_view previous, std::string_view sha256_hex) {
  return sigv4::signature(seal.key, to_sign("AWS4-HMAC-SHA256-TRAILER", seal, previous).append(sha256_hex));
}

AwsChunked::AwsChunked(ChunkedForm form, std::optional<ChunkSeal> seal, Encode encode)
    : form_(std::move(form)), seal_(std::move(seal)), encode_(std::move(encode)) {
  if (seal_) previous_ = seal_->seed;
}

Result<> AwsChunked::refuse(ApiError error) {
  error_ = std::move(error);
  return fail(Errc::Invalid, error_.code);
}

Result<> AwsChunked::incomplete() { return refuse(api_error("IncompleteBody", "The request body terminated unexpectedly")); }

http::Response AwsChunked::refusal(const Error&) const { return encode_(error_); }

// Takes bytes of a line that ends with CR LF; true: line_ is whole, without its end.
Result<bool> AwsChunked::line(std::string_view& wire, size_t limit) {
  size_t end = wire.find('\n');
  bool whole = end != wire.npos;
  std::string_view piece = wire.substr(0, whole ? end + 1 : wire.size());
  if (line_.size() + piece.size() > limit) {
    TRY(state_ == State::Trailer ? refuse(malformed_trailer()) : incomplete());
  }
  line_.append(piece);
  wire.remove_prefix(piece.size());
  if (!whole) return false;
  if (!line_.ends_with("\r\n")) TRY(state_ == State::Trailer ? refuse(malformed_trailer()) : incomplete());
  line_.resize(line_.size() - 2);
  return true;
}

Result<> AwsChunked::take_size() {
  std::string_view text = line_;
  size_t digits = std::min(text.find(';'), text.size());
  uint64_t size = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + digits, size, 16);
  if (digits == 0 || digits > 16 || error != std::errc() || end != text.data() + digits) return incomplete();
  std::string_view extension = digits < text.size() ? text.substr(digits + 1) : std::string_view();
  given_.clear();
  if (form_.is_signed) {
    if (!extension.starts_with(kSignatureMark) || !is_signature(extension.substr(kSignatureMark.size()))) return incomplete();
    given_ = extension.substr(kSignatureMark.size());
  } else if (!extension.empty()) {
    return incomplete();
  }
  if (size > 0 && chunks_ > 0 && chunk_size_ < kLeastChunk) {
    ApiError e = api_error("InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes", 403);
    e.members.set("Chunk", chunks_);
    e.members.set("BadChunkSize", chunk_size_);
    return refuse(std::move(e));
  }
  if (size > form_.decoded_length - decoded_) return refuse(incomplete_body(form_.decoded_length, decoded_ + size));
  chunk_size_ = left_ = size;
  ++chunks_;
  if (seal_ && form_.is_signed) digest_.emplace(Digest::Kind::Sha256);
  if (size > 0) {
    state_ = State::Data;
    return {};
  }
  state_ = form_.has_trailers ? State::Trailer : State::End;
  return check_chunk();
}

Result<> AwsChunked::check_chunk() {
  if (!digest_) return {};
  std::string expected = chunk_signature(*seal_, previous_, hex_encode(digest_->finish()));
  digest_.reset();
  if (!equal_constant_time(expected, given_)) return refuse(wrong_signature());
  previous_ = std::move(expected);
  return {};
}

Result<> AwsChunked::take_trailer() {
  if (line_.empty()) return check_trailers();
  trailer_bytes_ += line_.size() + 2;
  size_t colon = line_.find(':');
  if (colon == std::string::npos) return refuse(malformed_trailer());
  std::string name = lower(trim(std::string_view(line_).substr(0, colon)));
  std::string_view value = trim(std::string_view(line_).substr(colon + 1));
  if (name == kTrailerSignature && form_.is_signed && trailer_signature_.empty()) {
    trailer_signature_ = value;
    return {};
  }
  bool known = std::find(form_.trailers.begin(), form_.trailers.end(), name) != form_.trailers.end();
  if (!known || trailers_.has(name) || !trailer_signature_.empty()) return refuse(malformed_trailer());
  trailer_text_.append(name).append(":").append(value).append("\n");
  trailers_.add(name, value);
  return {};
}

Result<> AwsChunked::check_trailers() {
  for (const std::string& name : form_.trailers) {
    if (!trailers_.has(name)) return refuse(malformed_trailer());
  }
  if (form_.is_signed) {
    if (!is_signature(trailer_signature_)) return refuse(malformed_trailer());
    if (seal_ &&
        !equal_constant_time(trailer_signature(*seal_, previous_, hex_encode(sha256(trailer_text_))), trailer_signature_)) {
      return refuse(wrong_signature());
    }
  }
  state_ = State::Done;
  return {};
}

Result<> AwsChunked::decode(std::string_view wire, std::string& out) {
  while (!wire.empty()) {
    if (state_ == State::Done) return incomplete();
    if (state_ == State::Data) {
      std::string_view piece = wire.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, wire.size())));
      wire.remove_prefix(piece.size());
      out.append(piece);
      if (digest_) digest_->update(piece);
      left_ -= piece.size();
      decoded_ += piece.size();
      if (left_ == 0) state_ = State::DataEnd;
      continue;
    }
    if (!TRY(line(wire, state_ == State::Trailer ? kTrailerBytes - trailer_bytes_ : kHeadBytes))) continue;
    switch (state_) {
      case State::Size:
        TRY(take_size());
        break;
      case State::DataEnd:
        if (!line_.empty()) return incomplete();
        TRY(check_chunk());
        state_ = State::Size;
        break;
      case State::Trailer:
        TRY(take_trailer());
        break;
      default:
        if (!line_.empty()) return incomplete();
        state_ = State::Done;
    }
    line_.clear();
  }
  return {};
}

Result<> AwsChunked::finish() {
  if (state_ != State::Done) return incomplete();
  if (decoded_ != form_.decoded_length) return refuse(incomplete_body(form_.decoded_length, decoded_));
  return {};
}

}  // namespace gust::gateway
