// SPDX-License-Identifier: Apache-2.0

#pragma once

// AWS errors that more than one service answers. Texts as AWS writes them where tools look at them.

#include <string>
#include <string_view>

#include "model/service.h"

namespace gust::model {

ApiError api_error(std::string_view code, std::string message, int status = 400);
ApiError validation(std::string message);                                   // 400 ValidationException
ApiError invalid_parameter_value(std::string message);                      // 400 InvalidParameterValueException (Lambda)
ApiError invalid_parameter(std::string message);                            // 400 InvalidParameterException (CloudWatch Logs)
ApiError serialization(std::string message);                                // 400 SerializationException
ApiError resource_not_found(std::string message, int status = 404);         // ResourceNotFoundException (DynamoDB, Logs: 400)
ApiError resource_conflict(std::string message);                            // 409 ResourceConflictException (Lambda)
ApiError access_denied(std::string message);                                // 403 AccessDeniedException
ApiError too_many_requests(std::string message, std::string_view reason);   // 429 with Reason and Retry-After (Lambda)
ApiError not_implemented(std::string_view service, std::string_view what);  // 501 NotImplemented, names it
ApiError internal_failure(std::string_view service);                        // 500 in the words of that service
ApiError unavailable(std::string_view service);                             // 503/500, safe to try again
// An error of our own functions, put into the words of the service: what the caller cannot help becomes an internal
// failure whose text says nothing (the message is logged), Exhausted and Unavailable become `unavailable`.
ApiError from_error(std::string_view service, const Error& error);

// S3's: code and status with AWS's standard text.
ApiError no_such_bucket(std::string_view bucket);  // member BucketName
ApiError no_such_key(std::string_view key);        // member Key
ApiError invalid_argument(std::string message, std::string_view name, std::string_view value);
ApiError malformed_xml();

}  // namespace gust::model
