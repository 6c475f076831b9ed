// SPDX-License-Identifier: Apache-2.0

#pragma once

// The server's certificate while it serves: made by our own authority in STATE/ca, answered by name, renewed a day after
// day without a restart. Loop thread; what touches the disk while serving runs on the pool.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/certificate_authority.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/worker_pool.h"
#include "os/clock.h"

namespace gust::daemon {

class TlsIdentity {
 public:
  // Blocking; before serving. References must outlive this. Errors: Invalid where the authority's files are damaged.
  static Result<std::unique_ptr<TlsIdentity>> open(std::string directory, const std::vector<std::string>& allowed_hosts,
                                                   net::Loop& loop, net::WorkerPool& disk, const Clock& clock);
  const net::TlsContext& context() const { return *context_; }

 private:
  TlsIdentity(std::string directory, std::vector<std::string> names, net::Loop& loop, net::WorkerPool& disk, const Clock& clock,
              CertificateAuthority authority, std::unique_ptr<net::TlsContext> context);
  void wait();
  void renew();
  Result<> take(Result<CertificateAuthority>& authority, const CertificateAuthority::Server& server);

  const std::string directory_;
  const std::vector<std::string> names_;
  net::Loop& loop_;
  net::WorkerPool& disk_;
  const Clock& clock_;
  CertificateAuthority authority_;  // loop only: signs for names that clients ask for
  std::unique_ptr<net::TlsContext> context_;
  net::Timer timer_;
};

}  // namespace gust::daemon
