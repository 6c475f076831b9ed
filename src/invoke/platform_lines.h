// SPDX-License-Identifier: Apache-2.0

#pragma once

// Texts that AWS's own tools and people's log queries know byte by byte: the platform's log lines and the errors that a
// caller sees when a runtime failed (Lambda guide, "Working with Lambda function logs"; messages as the runtime interface
// emulator prints them). No state.

#include <cstdint>
#include <string>
#include <string_view>

#include "meter/execution.h"

namespace gust::invoke {

std::string start_line(std::string_view request_id, std::string_view version);
std::string end_line(std::string_view request_id);
std::string report_line(const meter::Execution& execution);
std::string init_report_line(int64_t init_us, std::string_view status,
                             std::string_view error_type);  // status "error" or "timeout"
std::string timeout_line(int64_t unix_ms, std::string_view request_id, uint32_t timeout_s);

// {"errorType", "errorMessage"}; with a request id the message begins with "RequestId: ID Error: ".
std::string error_payload(std::string_view type, std::string_view message);
std::string error_message(std::string_view request_id, std::string_view message);
std::string timeout_message(uint32_t timeout_s);
std::string exit_message(int wait_status);          // "Runtime exited with error: signal: killed"
std::string entry_point_message(int error_number);  // why the bootstrap could not be executed
std::string too_large_message(uint64_t bytes);

}  // namespace gust::invoke
