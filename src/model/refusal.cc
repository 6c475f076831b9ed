// SPDX-License-Identifier: Apache-2.0

#include "model/refusal.h"

#include "model/errors.h"
#include "model/protocol.h"

namespace gust::model {
namespace {

ApiError refuse_s3(const ServiceTable& table, const Violation& v) {
  std::string_view shape = v.shape == kNone ? std::string_view() : table.text(table.shape(v.shape).name);
  if (v.fault == Fault::Enumeration && shape == "BucketLocationConstraint") {
    ApiError e = api_error("InvalidLocationConstraint", "The specified location-constraint is not valid");
    e.members.set("LocationConstraint", v.value);
    return e;
  }
  if (v.fault == Fault::Enumeration && shape == "StorageClass") {
    ApiError e = api_error("InvalidStorageClass", "The storage class you specified is not valid");
    e.members.set("StorageClassRequested", v.value);
    return e;
  }
  if (shape == "Event") return invalid_argument("The event is not supported for notifications", "Event", v.value);
  if (v.member && v.member->location != Location::Body) {
    std::string_view wire = table.text(v.member->wire);
    if (v.fault == Fault::Missing) return api_error("InvalidRequest", "Missing required parameter: " + std::string(wire));
    return invalid_argument("The value specified for " + std::string(wire) + " is not valid", wire, v.value);
  }
  return malformed_xml();
}

// EC2 and SQS were made before the common validator.
ApiError refuse_parameter(const ServiceTable& table, const Violation& v) {
  std::string name(v.member ? table.text(v.member->name) : std::string_view(v.path));
  if (v.fault == Fault::Missing) return api_error("MissingParameter", "The request must contain the parameter " + name + ".");
  std::string text = table.id() == "ec2" ? "Value (" + v.value + ") for parameter " + v.path + " is invalid."
                                         : "Value " + v.value + " for parameter " + name + " is invalid.";
  return api_error("InvalidParameterValue", std::move(text));
}

}  // namespace

ApiError refuse_input(const ServiceTable& table, const std::vector<Violation>& violations) {
  std::string_view id = table.id();
  if (id == "s3") return refuse_s3(table, violations.front());
  if (id == "ec2" || id == "sqs") return refuse_parameter(table, violations.front());
  if (is_form(table.protocol) || id == "cloudwatch") return api_error("ValidationError", joined(violations));
  if (id == "logs" || id == "ecr") return invalid_parameter(joined(violations));
  return validation(joined(violations));
}

ApiError refuse_action(const ServiceTable& table, std::string_view action) {
  std::string name(action);
  std::string text = table.id() == "ec2"   ? "The action " + name + " is not valid for this web service."
                     : table.id() == "sqs" ? "The action " + name + " is not valid for this endpoint."
                                           : "Could not find operation " + name + " for version " + std::string(table.version());
  return api_error("InvalidAction", std::move(text));
}

ApiError refuse_notation(const ServiceTable& table, Protocol protocol, std::string_view why) {
  if (table.id() == "s3") return malformed_xml();
  if (table.id() == "lambda") {
    return api_error("InvalidRequestContentException", "Could not parse request body into json: " + std::string(why));
  }
  if (is_form(protocol)) return api_error("MalformedInput", std::string(why));
  // The JSON front ends say no more than that.
  return serialization(protocol == Protocol::RestXml ? std::string(why) : std::string());
}

}  // namespace gust::model
