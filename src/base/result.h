// SPDX-License-Identifier: Apache-2.0

#pragma once

// Result<T>: how every function that can fail reports it. Exceptions of libraries are caught at two walls (request
// dispatch and task root) and never cross a folder's interface.

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace gust {

// What kind of failure it was, for code that must act on it. The message is for people and says what to do next where
// that is known.
enum class Errc {
  Invalid,      // bad input: the caller must change it
  NotFound,     // what was named is not there
  Exists,       // what was to be made is there already
  Conflict,     // a condition did not hold; nothing was changed
  TooLarge,     // a limit of size, depth or count was passed
  Permission,   // the operating system or a policy refused
  Exhausted,    // no memory, disk, descriptors, processes: may work later
  Timeout,      // a deadline passed
  Unavailable,  // cannot be served now; nothing was changed, a retry is safe
  Unknown,      // may or may not have happened (connection lost after sending)
  Unsupported,  // not built; the message names it
  Io,           // the disk or the network failed
  Internal,     // our own bug
};

std::string_view name_of(Errc code);

struct Error {
  Errc code = Errc::Internal;
  std::string message;

  // The same error with "context: " in front of its message.
  Error in(std::string_view context) && {
    message.insert(0, ": ").insert(0, context);
    return std::move(*this);
  }
};

template <class T = void>
using Result = tl::expected<T, Error>;
using Failure = tl::unexpected<Error>;

inline Failure fail(Errc code, std::string message) { return Failure(Error{code, std::move(message)}); }

// An Error from errno of the call named `what` ("open /x"): ENOENT -> NotFound, EEXIST -> Exists, EACCES/EPERM/EROFS ->
// Permission, ENOSPC/EDQUOT/EMFILE/ENFILE/ENOMEM/EAGAIN -> Exhausted, ETIMEDOUT -> Timeout, else Io.
Error errno_error(std::string_view what, int error_number);
Failure fail_errno(std::string_view what);  // of the calling thread's errno

// Evaluates to the value of a Result, or returns its error from the calling function.
#define TRY(expression)                                                             \
  ({                                                                                \
    auto&& gust_try_result = (expression);                                          \
    if (!gust_try_result) [[unlikely]]                                              \
      return ::gust::Failure(std::move(gust_try_result).error());                   \
    ::gust::detail::take(std::forward<decltype(gust_try_result)>(gust_try_result)); \
  })

namespace detail {
template <class T>
T take(tl::expected<T, Error>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
template <class T>
T take(tl::expected<T, Error>& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace detail

}  // namespace gust
