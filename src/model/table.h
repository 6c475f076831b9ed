// SPDX-License-Identifier: Apache-2.0

#pragma once

// The generated operation tables (tables/*.cc): plain arrays of a service's operations, shapes and errors, as AWS models
// them. Strings lie in one pool per service, references are indexes. Written by tools/model/generate.py; immutable, so
// any thread may read them.

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace gust::model {

struct Text {  // slice of the service's pool
  uint32_t offset = 0;
  uint16_t length = 0;
};

enum class Protocol : uint8_t { RestJson, RestXml, Json10, Json11, Query, Ec2, Cbor };
// Document: whatever JSON (or CBOR) says.
enum class Kind : uint8_t { Structure, List, Map, String, Integer, Long, Double, Boolean, Blob, Timestamp, Document };
// Where a member travels. QueryMap: a map whose entries are query parameters of their own.
enum class Location : uint8_t { Body, Header, Headers, Uri, Query, QueryMap, StatusCode };
enum class TimeFormat : uint8_t { Default, Iso8601, Rfc822, Unix };

// Whether an answer has such a member in its document: what only a request can hold elsewhere stands there.
constexpr bool in_answer(Location l) { return l != Location::Header && l != Location::Headers && l != Location::StatusCode; }

constexpr uint16_t kNone = 0xFFFF;
constexpr int64_t kNoMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kNoMax = std::numeric_limits<int64_t>::max();

// Flags of members.
constexpr uint8_t kRequired = 1, kFlattened = 2, kStreaming = 4, kXmlAttribute = 8, kEventStream = 16;
constexpr uint8_t kJsonText = 32;  // a string that is JSON; base64 of it where it is a header
// Flags of shapes (kFlattened too). kNamedElement: the model gives element_name, it is not the usual "member".
constexpr uint8_t kUnion = 4, kSensitive = 8, kNamedElement = 16;
// Flags of operations.
constexpr uint8_t kDeprecated = 1, kChecksumRequired = 2, kUnwrappedOutput = 4;

struct Member {
  Text name;  // as AWS's API names it: what services see
  Text wire;  // header, query, label, element or attribute name; prefix of Location::Headers
  uint16_t shape = kNone;
  uint16_t xmlns = 0;  // index + 1 into namespaces
  Location location = Location::Body;
  TimeFormat time = TimeFormat::Default;
  uint8_t flags = 0;
};

struct Constraint {  // bounds of length or of value; a pattern must match the whole text
  int64_t min = kNoMin, max = kNoMax;
  Text pattern;  // as AWS prints it
  Text match;    // as RE2 reads it
  Text reject;   // the pattern's negative look-ahead: must not match the whole text
  bool has_min = false, has_max = false;
  uint16_t first_enum = 0, enums = 0;
};

struct Shape {
  Text name;
  Text element_name;  // of a list's elements or a map's values on the wire
  Text key_name;      // of a map's keys on the wire
  Kind kind = Kind::String;
  uint8_t flags = 0;
  TimeFormat time = TimeFormat::Default;  // of elements and values; members have their own
  int16_t payload = -1;                   // structure: which of its members is the body
  uint16_t constraint = 0;                // 0: none
  uint16_t first_member = 0, members = 0;
  uint16_t element = kNone;  // shape of a list's elements or a map's values
  uint16_t key = kNone;
};

struct Namespace {
  Text prefix, uri;
};

struct FormName {  // a member's name in forms where it is not `wire`; sorted by member
  uint16_t member = kNone;
  Text name;
};

struct ErrorInfo {  // sorted by shape name
  Text name;        // what goes over the wire in JSON and CBOR, and what handlers of a service that speaks these call it
  Text code;        // what goes over the wire in XML
  uint16_t status = 400;
  bool server_fault = false;
  uint16_t shape = kNone;
};

struct Operation {  // sorted by name
  Text name;
  Text method;
  Text uri;          // "/{Bucket}/{Key+}?tagging"
  Text output_root;  // XML root of the answer where it is not derived; query protocol: result wrapper
  uint16_t status = 200;
  uint16_t input = kNone, output = kNone;
  uint8_t flags = 0;
};

struct ServiceTable {
  const char* pool;
  Text id_text, signing_text, host_text, full_name_text, version_text, target_prefix_text, xmlns_text, error_namespace_text;
  Protocol protocol;      // the first of `protocols`: errors of handlers are spelled as it spells them
  bool query_compatible;  // answers in JSON and CBOR tell the query protocol's error codes too (x-amzn-query-error)
  const Protocol* protocol_data;
  uint32_t protocol_count;
  const Shape* shape_data;
  uint32_t shape_count;
  const Member* member_data;
  uint32_t member_count;
  const Constraint* constraint_data;
  uint32_t constraint_count;
  const Text* enum_data;
  uint32_t enum_count;
  const Namespace* namespace_data;
  uint32_t namespace_count;
  const FormName* form_name_data;
  uint32_t form_name_count;
  const ErrorInfo* error_data;
  uint32_t error_count;
  const Operation* operation_data;
  uint32_t operation_count;

  std::string_view text(Text t) const { return {pool + t.offset, t.length}; }
  std::string_view id() const { return text(id_text); }
  std::string_view signing_name() const { return text(signing_text); }
  std::string_view host_prefix() const { return text(host_text); }  // first labels of AWS's host names: "monitoring"
  std::string_view version() const { return text(version_text); }   // "2012-11-05"
  std::string_view target_prefix() const { return text(target_prefix_text); }
  std::string_view xmlns() const { return text(xmlns_text); }
  const Shape& shape(uint16_t index) const { return shape_data[index]; }
  std::span<const Member> members(const Shape& s) const { return {member_data + s.first_member, s.members}; }
  std::span<const Protocol> protocols() const { return {protocol_data, protocol_count}; }
  bool speaks(Protocol p) const;
  std::string_view form_name(const Member& m) const;
  std::span<const Operation> operations() const { return {operation_data, operation_count}; }
  std::span<const ErrorInfo> errors() const { return {error_data, error_count}; }
  std::string_view name(const Operation& o) const { return text(o.name); }
  const Operation* operation(std::string_view operation_name) const;  // null where there is none
  const ErrorInfo* error(std::string_view code) const;                // by name or code; null where not modelled
  const Member* member(const Shape& s, std::string_view member_name) const;
  const Member* payload(const Shape& s) const {  // null where the body is a document of all body members
    return s.payload < 0 ? nullptr : member_data + s.first_member + s.payload;
  }
};

extern const ServiceTable kLambda, kS3, kDynamodb, kDynamodbstreams, kSqs, kSns, kLogs, kCloudwatch, kEvents, kScheduler,
    kCloudformation, kIam, kSts, kSsm, kSecretsmanager, kKms, kEcr, kEc2, kAutoscaling;

// All tables. Each find_ answers null where there is none.
std::span<const ServiceTable* const> services();
const ServiceTable* find_service(std::string_view id);
const ServiceTable* find_target_prefix(std::string_view prefix);  // of X-Amz-Target, without the dot
// By the service name of a signature's scope. Two services may sign alike (DynamoDB and its streams): `target`, the value of
// X-Amz-Target where there is one, tells them apart.
const ServiceTable* find_signing_name(std::string_view name, std::string_view target = {});
// By a host name without port, in lower case: "sqs.eu-west-1.amazonaws.com", "monitoring.localhost", "cloudwatch.localhost".
const ServiceTable* find_host(std::string_view host);
// By the Version parameter of a form that nobody signed: each service of the query protocols has another one.
const ServiceTable* find_form_version(std::string_view version);

}  // namespace gust::model
