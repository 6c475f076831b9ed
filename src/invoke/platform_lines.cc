// SPDX-License-Identifier: Apache-2.0

#include "invoke/platform_lines.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/ids.h"
#include "base/json.h"
#include "base/value.h"
#include "runtime/runtime_api.h"

namespace gust::invoke {
namespace {

void append_milliseconds(std::string& line, std::string_view name, int64_t us) {
  char text[40];
  int n = snprintf(text, sizeof text, ": %.2f ms", static_cast<double>(us) / 1000.0);
  line.append(name).append(text, static_cast<size_t>(n));
}

std::string seconds(uint32_t s) { return std::to_string(s) + ".00 seconds"; }

// As Go's syscall package names signals, which is what AWS shows.
std::string_view signal_name(int number) {
  switch (number) {
    case SIGHUP:
      return "hangup";
    case SIGINT:
      return "interrupt";
    case SIGQUIT:
      return "quit";
    case SIGILL:
      return "illegal instruction";
    case SIGTRAP:
      return "trace/breakpoint trap";
    case SIGABRT:
      return "aborted";
    case SIGBUS:
      return "bus error";
    case SIGFPE:
      return "floating point exception";
    case SIGKILL:
      return "killed";
    case SIGSEGV:
      return "segmentation fault";
    case SIGPIPE:
      return "broken pipe";
    case SIGALRM:
      return "alarm clock";
    case SIGTERM:
      return "terminated";
    default:
      return "";
  }
}

}  // namespace

std::string start_line(std::string_view request_id, std::string_view version) {
  std::string line("START RequestId: ");
  line.reserve(80);
  return line.append(request_id).append(" Version: ").append(version);
}

std::string end_line(std::string_view request_id) {
  std::string line("END RequestId: ");
  line.reserve(56);
  return line.append(request_id);
}

std::string report_line(const meter::Execution& x) {
  std::string line("REPORT RequestId: ");
  line.reserve(256);
  line.append(x.request_id).append("\t");
  append_milliseconds(line, "Duration", x.duration_us);
  line.append("\tBilled Duration: ").append(std::to_string(x.billed_ms)).append(" ms\tMemory Size: ");
  line.append(std::to_string(x.memory_mb)).append(" MB\tMax Memory Used: ");
  line.append(std::to_string((x.memory_peak_bytes + (1 << 20) - 1) >> 20)).append(" MB\t");
  if (x.init_us > 0) {
    append_milliseconds(line, "Init Duration", x.init_us);
    line.append("\t");
  }
  using meter::Outcome;
  bool timeout = x.outcome == Outcome::Timeout || (x.outcome == Outcome::InitError && x.error_type == "Sandbox.Timedout");
  // An error that the runtime itself reported leaves no trace here, as on AWS; one that the platform found does.
  bool platform = x.outcome == Outcome::Crash || x.outcome == Outcome::OutOfMemory || x.outcome == Outcome::InitError ||
                  x.error_type == "Function.ResponseSizeTooLarge";
  if (timeout) {
    line.append("Status: timeout");
  } else if (platform) {
    line.append("Status: error\tError Type: ").append(x.error_type);
  }
  return line;
}

std::string init_report_line(int64_t init_us, std::string_view status, std::string_view error_type) {
  std::string line("INIT_REPORT ");
  append_milliseconds(line, "Init Duration", init_us);
  line.append("\tPhase: init\tStatus: ").append(status);
  if (!error_type.empty()) line.append("\tError Type: ").append(error_type);
  return line;
}

std::string timeout_line(int64_t unix_ms, std::string_view request_id, uint32_t timeout_s) {
  return iso8601(unix_ms).append(" ").append(request_id).append(" ").append(timeout_message(timeout_s));
}

std::string error_payload(std::string_view type, std::string_view message) {
  Value v = Value::map();
  v.set("errorType", type);
  v.set("errorMessage", message);
  return json::write(v);
}

std::string error_message(std::string_view request_id, std::string_view message) {
  return std::string("RequestId: ").append(request_id).append(" Error: ").append(message);
}

std::string timeout_message(uint32_t timeout_s) { return "Task timed out after " + seconds(timeout_s); }

std::string exit_message(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    std::string_view name = signal_name(WTERMSIG(wait_status));
    return "Runtime exited with error: signal: " +
           (name.empty() ? "signal " + std::to_string(WTERMSIG(wait_status)) : std::string(name));
  }
  if (WEXITSTATUS(wait_status) == 0) return "Runtime exited without providing a reason";
  return "Runtime exited with error: exit status " + std::to_string(WEXITSTATUS(wait_status));
}

std::string entry_point_message(int error_number) {
  if (error_number == ENOENT) return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
  std::string reason = strerror(error_number);
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z')
    reason[0] = static_cast<char>(reason[0] | 0x20);  // as Go writes them
  return "fork/exec /var/task/bootstrap: " + reason;
}

std::string too_large_message(uint64_t bytes) {
  return "Response payload size (" + std::to_string(bytes) + " bytes) exceeded maximum allowed payload size (" +
         std::to_string(runtime::kMostPayload) + " bytes).";
}

}  // namespace gust::invoke
