// SPDX-License-Identifier: Apache-2.0

#pragma once

// Bodies in the form aws-chunked (S3): chunks with their length and, in two of the three modes, a signature each that goes
// on from the request's ("Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks",
// and "... Including Trailing Headers"). x-amz-content-sha256 names the mode; Content-Encoding need not (Java SDK 1.11).
// Limits: 128 bytes for a chunk's head, 8 KiB for all trailers, chunks of at least 8 KiB but the last.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/sigv4.h"
#include "http/message.h"
#include "model/service.h"

namespace gust::gateway {

// What the head of a request says about its body.
struct ChunkedForm {
  bool is_signed = false;             // every chunk has a signature
  bool has_trailers = false;          // a section of trailers follows the last chunk
  uint64_t decoded_length = 0;        // x-amz-decoded-content-length
  std::vector<std::string> trailers;  // x-amz-trailer, lower case
  uint64_t wire_limit() const;        // the longest encoded form of such a body
};

// Nothing: the body is as it is. Errors: MissingContentLength, InvalidArgument, InvalidRequest, NotImplemented.
tl::expected<std::optional<ChunkedForm>, model::ApiError> chunked_form(const http::Headers& headers);
// "aws-chunked, gzip" -> "gzip".
std::string without_aws_chunked(std::string_view content_encoding);

// What chunk signatures are made with.
struct ChunkSeal {
  std::string key;  // signing key of the scope
  std::string amz_date;
  sigv4::Scope scope;
  std::string seed;  // the request's own signature
};
std::string chunk_signature(const ChunkSeal& seal, std::string_view previous, std::string_view sha256_hex);
std::string trailer_signature(const ChunkSeal& seal, std::string_view previous, std::string_view sha256_hex);

class AwsChunked : public http::BodyFilter {
 public:
  using Encode = std::function<http::Response(const model::ApiError&)>;
  // Without a seal signatures must be there where the form says so, but are not verified (--dev).
  AwsChunked(ChunkedForm form, std::optional<ChunkSeal> seal, Encode encode);
  Result<> decode(std::string_view wire, std::string& out) override;
  Result<> finish() override;
  http::Response refusal(const Error& error) const override;
  // After finish(): all that were announced, without x-amz-trailer-signature.
  const http::Headers& trailers() const { return trailers_; }

 private:
  enum class State { Size, Data, DataEnd, Trailer, End, Done };
  Result<> refuse(model::ApiError error);
  Result<> incomplete();
  Result<bool> line(std::string_view& wire, size_t limit);
  Result<> take_size();
  Result<> check_chunk();
  Result<> take_trailer();
  Result<> check_trailers();

  ChunkedForm form_;
  std::optional<ChunkSeal> seal_;
  Encode encode_;
  State state_ = State::Size;
  std::string line_;
  uint64_t left_ = 0, decoded_ = 0, chunk_size_ = 0, chunks_ = 0;
  size_t trailer_bytes_ = 0;
  std::string previous_, given_;  // signatures: of the chunk before, of this one
  std::optional<Digest> digest_;
  http::Headers trailers_;
  std::string trailer_text_, trailer_signature_;
  model::ApiError error_;
};

}  // namespace gust::gateway
