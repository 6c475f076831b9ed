// SPDX-License-Identifier: Apache-2.0

#pragma once

// Protocol-neutral requests and responses (HTTP/1.1 today).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace gust::http {

// Header fields in order of arrival; names compare without case.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;
  const std::string* find(std::string_view name) const;  // first of that name, or null
  std::string_view get(std::string_view name) const;     // empty where absent
  bool has(std::string_view name) const { return find(name) != nullptr; }
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(std::string(name), std::string(value)); }
  void set(std::string_view name, std::string_view value);  // replaces all of that name
  void remove(std::string_view name);
  const std::vector<Field>& fields() const { return fields_; }
  std::vector<Field>& fields() { return fields_; }

 private:
  std::vector<Field> fields_;
};

// Bytes in memory or a slice of a file (large bodies). Cheap to move; a file slice is cheap to copy.
struct FileSlice {
  std::shared_ptr<Fd> file;
  uint64_t offset = 0;
  uint64_t length = 0;
};
struct Body {
  std::string bytes;  // used where there is no file
  std::optional<FileSlice> file;
  std::string path;  // of a spooled upload: the temporary file; who consumes the body renames or unlinks it
  // Of an answer: goes on after `file` (an object that was uploaded in parts).
  std::vector<FileSlice> more;
  uint64_t size() const {
    uint64_t n = file ? file->length : bytes.size();
    for (const FileSlice& slice : more) n += slice.length;
    return n;
  }
  Result<std::string> read_all(size_t limit) const;  // blocking where it is a file
  // Digests of an upload, computed while it arrived where BodyPlan asked for them (raw bytes; after decoding).
  std::string md5, sha1, sha256;
  std::optional<uint32_t> crc32, crc32c;
  std::optional<uint64_t> crc64nvme;
};

struct Request {
  std::string method;
  std::string target;  // as sent
  std::string path;    // raw path part of the target, still percent-encoded
  std::string query;   // raw query without '?'
  int minor_version = 1;
  Headers headers;
  Headers trailers;  // of a chunked body
  Body body;
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Connection and Date are added by the server
  Body body;
  bool close = false;      // close the connection after it
  bool head_only = false;  // answer to HEAD: Content-Length of the body, no bytes (set by the server for HEAD requests).
  std::optional<uint64_t> content_length;  // with an empty body only: what HEAD announces
};

// Turns the bytes of a request's body as they come over the wire into those that count (aws-chunked, the file of a form).
// One call at a time, but not always on the same thread: the loop's for bodies in memory, a disk thread's for spooled ones.
// Calls may hash; none may block. After an error nothing more is called but refusal().
class BodyFilter {
 public:
  virtual ~BodyFilter() = default;
  virtual Result<> decode(std::string_view wire, std::string& out) = 0;  // appends what is decoded
  virtual Result<> finish() = 0;                                         // the wire's end
  virtual Response refusal(const Error& error) const = 0;                // what the client is answered then
};

std::string_view reason_phrase(int status);

}  // namespace gust::http
