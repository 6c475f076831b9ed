// SPDX-License-Identifier: Apache-2.0

#include "model/errors.h"

#include "base/log.h"

namespace gust::model {

ApiError api_error(std::string_view code, std::string message, int status) {
  ApiError e;
  e.code = code;
  e.message = std::move(message);
  e.status = status;
  e.server_fault = status >= 500;
  return e;
}

ApiError validation(std::string message) { return api_error("ValidationException", std::move(message)); }
ApiError invalid_parameter_value(std::string message) { return api_error("InvalidParameterValueException", std::move(message)); }
ApiError invalid_parameter(std::string message) { return api_error("InvalidParameterException", std::move(message)); }
ApiError serialization(std::string message) { return api_error("SerializationException", std::move(message)); }
ApiError resource_not_found(std::string message, int status) {
  return api_error("ResourceNotFoundException", std::move(message), status);
}
ApiError resource_conflict(std::string message) { return api_error("ResourceConflictException", std::move(message), 409); }
ApiError access_denied(std::string message) { return api_error("AccessDeniedException", std::move(message), 403); }

ApiError too_many_requests(std::string message, std::string_view reason) {
  ApiError e = api_error("TooManyRequestsException", std::move(message), 429);
  e.members.set("Reason", reason);
  e.headers.emplace_back("Retry-After", "1");
  return e;
}

ApiError not_implemented(std::string_view service, std::string_view what) {
  std::string text(service);
  if (!what.empty()) text.append(".").append(what);
  return api_error("NotImplemented", text + " is not implemented by this server (see GET /_gust/compat).", 501);
}

ApiError internal_failure(std::string_view service) {
  if (service == "lambda") return api_error("ServiceException", "An error occurred and the request cannot be processed.", 500);
  if (service == "s3") return api_error("InternalError", "We encountered an internal error. Please try again.", 500);
  if (service == "dynamodb") return api_error("InternalServerError", "Internal server error", 500);
  return api_error("InternalFailure", "The request processing has failed because of an unknown error.", 500);
}

ApiError unavailable(std::string_view service) {
  if (service == "s3") return api_error("SlowDown", "Please reduce your request rate.", 503);
  if (service == "logs") return api_error("ServiceUnavailableException", "The service cannot complete the request.", 503);
  if (service == "lambda") return api_error("ServiceException", "The server is busy; try again.", 503);
  return api_error("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503);
}

ApiError from_error(std::string_view service, const Error& error) {
  log::warning(service, "call failed", {{"kind", std::string(name_of(error.code))}, {"error", error.message}});
  if (error.code == Errc::Exhausted || error.code == Errc::Unavailable || error.code == Errc::Timeout) {
    return unavailable(service);
  }
  return internal_failure(service);
}

ApiError no_such_bucket(std::string_view bucket) {
  ApiError e = api_error("NoSuchBucket", "The specified bucket does not exist", 404);
  e.members.set("BucketName", bucket);
  return e;
}
ApiError no_such_key(std::string_view key) {
  ApiError e = api_error("NoSuchKey", "The specified key does not exist.", 404);
  e.members.set("Key", key);
  return e;
}
ApiError invalid_argument(std::string message, std::string_view name, std::string_view value) {
  ApiError e = api_error("InvalidArgument", std::move(message));
  e.members.set("ArgumentName", name);
  e.members.set("ArgumentValue", value);
  return e;
}
ApiError malformed_xml() {
  return api_error("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema");
}

}  // namespace gust::model
