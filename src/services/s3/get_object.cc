// SPDX-License-Identifier: Apache-2.0

// GetObject and HeadObject.

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/conditions.h"
#include "services/s3/manifest.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {
namespace {

using model::ApiError;
constexpr int kAttempts = 5;  // an object's files may be replaced between reading its row and opening them

constexpr std::array kOverrides = {
    std::pair<std::string_view, std::string_view>{"ResponseCacheControl", "CacheControl"},
    std::pair<std::string_view, std::string_view>{"ResponseContentDisposition", "ContentDisposition"},
    std::pair<std::string_view, std::string_view>{"ResponseContentEncoding", "ContentEncoding"},
    std::pair<std::string_view, std::string_view>{"ResponseContentLanguage", "ContentLanguage"},
    std::pair<std::string_view, std::string_view>{"ResponseContentType", "ContentType"},
};

// They come from the query, so they may hold what no header may.
Problem check_overrides(const model::Call& call) {
  bool any = call.input.has("ResponseExpires");
  for (const auto& [member, header] : kOverrides) {
    const Value* value = call.input.find(member);
    if (value == nullptr) continue;
    any = true;
    const std::string_view text = value->as_string();
    const bool bad = std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
    if (bad) return model::invalid_argument("Header value cannot be represented using ISO-8859-1.", member, text);
  }
  if (!any || !call.anonymous) return std::nullopt;
  return model::api_error("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.");
}

Problem check(const model::Call& call) {
  const Value& input = call.input;
  if (auto e = check_key(input["Key"].as_string())) return e;
  if (auto e = refuse_customer_keys(call.operation, input)) return e;
  const Value* number = input.find("PartNumber");
  if (number != nullptr && (number->as_int() < 1 || number->as_int() > kMaxPartNumber)) {
    return model::invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber",
                                   std::to_string(number->as_int()));
  }
  if (number != nullptr && input.has("Range")) {
    return model::api_error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
  }
  return check_overrides(call);
}

Value render(const Value& input, const Bucket& bucket, const Object& object) {
  Value output = Value::map();
  output.set("AcceptRanges", "bytes");
  output.set("LastModified", Timestamp{whole_seconds(object.modified_ms)});
  output.set("ETag", object.etag());
  show_headers(object, output);
  if (bucket.versioned()) output.set("VersionId", version_text(object.version));
  for (const auto& [member, header] : kOverrides) {
    if (const Value* value = input.find(member)) output.set(header, *value);
  }
  if (const Value* expires = input.find("ResponseExpires")) output.set("Expires", http_date(expires->as_timestamp().unix_ms));
  return output;
}

// What is served of an object, and the checksum of just that.
struct Piece {
  Range range;
  bool partial = false;
  std::string checksum;  // base64; empty where none is known
};

ApiError no_such_part(uint64_t wanted, uint64_t there) {
  ApiError e = model::api_error("InvalidPartNumber", "The requested partnumber is not satisfiable", 416);
  e.members.set("PartNumberRequested", static_cast<unsigned long>(wanted));
  e.members.set("ActualPartCount", static_cast<unsigned long>(there));
  return e;
}

// Parts are counted from one, whatever numbers they were uploaded with.
Result<Piece> piece_of_part(std::string_view manifest, uint64_t number) {
  Piece piece{{0, 0}, true, {}};
  ManifestReader in(manifest);
  while (number > 0 && in.next()) {
    --number;
    piece.range.first += piece.range.length;
    piece.range.length = in.size();
    piece.checksum = base64_encode(in.checksum());
  }
  if (in.failed() || number > 0) return fail(Errc::Internal, "a manifest with fewer parts than its object");
  return piece;
}

// What Range or PartNumber want of it.
Result<Piece> choose_piece(store::View& view, std::string_view row, const Value& input, const Object& object, Problem& problem) {
  Piece whole{{0, object.size}, false, object.checksum};
  if (const auto number = static_cast<uint64_t>(input["PartNumber"].as_int()); number > 0) {
    const uint64_t count = std::max<uint64_t>(object.parts, 1);
    if (number > count) problem = no_such_part(number, count);
    whole.partial = true;
    if (problem || object.parts == 0) return whole;
    const auto manifest = TRY(view.get(store::Space::Body, row));
    return piece_of_part(manifest.value_or(""), number);
  }
  if (!input.has("Range")) return whole;
  const auto range = parse_range(input["Range"].as_string(), object.size);
  if (!range) problem = range.error();
  if (!range || !*range) return whole;
  return Piece{**range, true, {}};
}

}  // namespace

Result<S3Service::Answer> S3Service::get_object(const model::Call& call) { return answer_read(call, Want::Body); }
Result<S3Service::Answer> S3Service::head_object(const model::Call& call) { return answer_read(call, Want::Object); }

Result<S3Service::Answer> S3Service::answer_read(const model::Call& call, Want want) {
  if (Problem problem = check(call)) return no(problem);
  for (int attempt = 1;; ++attempt) {
    Result<Answer> answer = try_read(call, want);
    if (answer || answer.error().code != Errc::NotFound || attempt == kAttempts) return answer;
  }
}

// NotFound: a file of the object has just gone; the next look finds another object or none.
Result<S3Service::Answer> S3Service::try_read(const model::Call& call, Want want) {
  const Value& input = call.input;
  Problem problem;
  auto view = TRY(parts_.store.read());
  const auto opened = TRY(open(*view, access_of(call), input, problem));
  if (!opened) {
    view.reset();
    // Who may not list a bucket is not told which keys it has.
    const std::string_view bucket = input["Bucket"].as_string();
    if (call.anonymous && problem->code == "NoSuchKey" && !documents_.anybody_may("s3:ListBucket", bucket, "")) {
      problem = access_denied();
    }
    return no(problem);
  }
  const Object& object = opened->stored.object;
  if ((problem = check_read_conditions(input, object))) return no(problem);
  const std::string row = body_key(opened->bucket.name, input["Key"].as_string(), object.version);

  const Piece piece = TRY(choose_piece(*view, row, input, object, problem));
  if (problem) return no(problem);
  model::Reply reply;
  reply.output = render(input, opened->bucket, object);
  if (piece.partial && piece.range.length > 0) {
    reply.status = 206;
    reply.output.set("ContentRange", content_range(piece.range, object.size));
  }
  if (input.has("PartNumber") && object.parts > 0) reply.output.set("PartsCount", static_cast<unsigned long>(object.parts));
  if (input["ChecksumMode"].as_string() == "ENABLED" && !piece.checksum.empty()) {
    set_checksum(reply.output, object.checksum_algorithm, piece.checksum);
    reply.output.set("ChecksumType", checksum_type(object.checksum_of_checksums));
  }
  if (want == Want::Body) {
    reply.payload = TRY(read_body(*view, row, object, piece.range));
  } else {
    reply.head_length = piece.range.length;
  }
  return Answer(std::move(reply));
}

Result<http::Body> S3Service::read_body(store::View& view, std::string_view row_key, const Object& object, Range part) {
  http::Body body;
  if (!object.file.empty()) {
    body.file = http::FileSlice{std::make_shared<Fd>(TRY(blobs_.open(object.file))), part.first, part.length};
    return body;
  }
  auto bytes = TRY(view.get(store::Space::Body, row_key));
  if (!bytes) return fail(Errc::Internal, "an object without its body");
  if (object.parts > 0) return read_files(*bytes, part);
  if (bytes->size() != object.size) return fail(Errc::Internal, "an object with another body");
  body.bytes = part.length == object.size ? std::move(*bytes) : bytes->substr(part.first, part.length);
  return body;
}

// Every file is open when the answer begins, so that it can end whatever happens to the object meanwhile.
Result<http::Body> S3Service::read_files(std::string_view manifest, Range part) {
  http::Body body;
  ManifestReader in(manifest);
  const uint64_t end = part.first + part.length;
  for (uint64_t at = 0; at < end && in.next(); at += in.size()) {
    const uint64_t first = std::max(at, part.first), last = std::min(at + in.size(), end);
    if (first >= last) continue;
    http::FileSlice slice{std::make_shared<Fd>(TRY(blobs_.open(in.file()))), first - at, last - first};
    if (body.file) {
      body.more.push_back(std::move(slice));
    } else {
      body.file = std::move(slice);
    }
  }
  if (in.failed() || body.size() != part.length) return fail(Errc::Internal, "a manifest that does not fit its object");
  return body;
}

}  // namespace gust::s3
