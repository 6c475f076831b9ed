// SPDX-License-Identifier: Apache-2.0

#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace gust {

std::string_view name_of(Errc code) {
  switch (code) {
    case Errc::Invalid:
      return "invalid";
    case Errc::NotFound:
      return "not found";
    case Errc::Exists:
      return "exists";
    case Errc::Conflict:
      return "conflict";
    case Errc::TooLarge:
      return "too large";
    case Errc::Permission:
      return "permission";
    case Errc::Exhausted:
      return "exhausted";
    case Errc::Timeout:
      return "timeout";
    case Errc::Unavailable:
      return "unavailable";
    case Errc::Unknown:
      return "unknown";
    case Errc::Unsupported:
      return "unsupported";
    case Errc::Io:
      return "io";
    case Errc::Internal:
      return "internal";
  }
  return "?";
}

static Errc code_of_errno(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
      return Errc::NotFound;
    case EEXIST:
      return Errc::Exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::Permission;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return Errc::Exhausted;
    case ETIMEDOUT:
      return Errc::Timeout;
    case EINVAL:
    case ENAMETOOLONG:
      return Errc::Invalid;
    default:
      return Errc::Io;
  }
}

Error errno_error(std::string_view what, int error_number) {
  return Error{code_of_errno(error_number), std::string(what) + ": " + std::strerror(error_number)};
}

Failure fail_errno(std::string_view what) { return Failure(errno_error(what, errno)); }

}  // namespace gust
