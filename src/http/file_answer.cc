// SPDX-License-Identifier: Apache-2.0

#include "http/file_answer.h"

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gust::http {
namespace {

constexpr size_t kMostPages = 1024;  // of one look
constexpr uint64_t kPage = 4096;     // x86-64 and the arm64 kernels that we run on; a larger one is found not cached
constexpr size_t kMostSent = 1 << 30;
constexpr int kLocalBuffer = 64 << 10;  // the kernel counts twice as much (socket(7))

}  // namespace

bool in_page_cache(const FileSlice& slice) {
  const uint64_t from = slice.offset / kPage * kPage, length = slice.offset + slice.length - from;
  unsigned char pages[kMostPages];
  const size_t count = (length + kPage - 1) / kPage;
  if (count > kMostPages) return false;
  void* map = mmap(nullptr, length, PROT_READ, MAP_SHARED, slice.file->get(), static_cast<off_t>(from));
  if (map == MAP_FAILED) return false;
  const bool known = mincore(map, length, pages) == 0;
  munmap(map, length);
  return known && std::all_of(pages, pages + count, [](unsigned char page) { return (page & 1) != 0; });
}

Result<size_t> send_slice(int socket, const FileSlice& slice) {
  off_t offset = static_cast<off_t>(slice.offset);
  for (;;) {
    const ssize_t n = sendfile(socket, slice.file->get(), &offset, std::min<uint64_t>(slice.length, kMostSent));
    if (n > 0) return static_cast<size_t>(n);
    if (n == 0) return fail(Errc::Io, "a file is shorter than it was");
    if (errno == EAGAIN) return size_t{0};
    if (errno == EPIPE || errno == ECONNRESET || errno == ETIMEDOUT) return fail(Errc::Unavailable, "the peer has gone");
    if (errno != EINTR) return fail_errno("sendfile");
  }
}

std::optional<size_t> read_cached(const FileSlice& slice, char* to, size_t size) {
  iovec part{to, std::min<uint64_t>(size, slice.length)};
  const ssize_t n = preadv2(slice.file->get(), &part, 1, static_cast<off_t>(slice.offset), RWF_NOWAIT);
  if (n <= 0) return std::nullopt;
  return static_cast<size_t>(n);
}

void size_send_buffer(int socket) {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return;
  bool here =
      peer.ss_family == AF_INET && (ntohl(reinterpret_cast<sockaddr_in*>(&peer)->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
  if (peer.ss_family == AF_INET6) {
    const in6_addr& address = reinterpret_cast<sockaddr_in6*>(&peer)->sin6_addr;
    here = IN6_IS_ADDR_LOOPBACK(&address);
  }
  if (here) setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kLocalBuffer, sizeof kLocalBuffer);
}

uint64_t tidy(std::vector<FileSlice>& slices) {
  std::erase_if(slices, [](const FileSlice& slice) { return slice.length == 0; });
  uint64_t sum = 0;
  for (const FileSlice& slice : slices) sum += slice.length;
  return sum;
}

bool any_unlinked(const std::vector<FileSlice>& slices) {
  return std::any_of(slices.begin(), slices.end(), [](const FileSlice& slice) {
    struct stat status {};
    return slice.file.use_count() == 1 && fstat(slice.file->get(), &status) == 0 && status.st_nlink == 0;
  });
}

}  // namespace gust::http
