// SPDX-License-Identifier: Apache-2.0

#include "daemon/tls_identity.h"

#include "base/log.h"

namespace gust::daemon {

using Server = CertificateAuthority::Server;

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::open(std::string directory, const std::vector<std::string>& allowed_hosts,
                                                       net::Loop& loop, net::WorkerPool& disk, const Clock& clock) {
  auto authority = TRY(CertificateAuthority::open(directory, clock));
  auto names = certificate_names(allowed_hosts);
  const Server server = TRY(authority.server_certificate(names));
  auto context = TRY(net::TlsContext::make(server.certificate, server.key));
  return std::unique_ptr<TlsIdentity>(
      new TlsIdentity(std::move(directory), std::move(names), loop, disk, clock, std::move(authority), std::move(context)));
}

TlsIdentity::TlsIdentity(std::string directory, std::vector<std::string> names, net::Loop& loop, net::WorkerPool& disk,
                         const Clock& clock, CertificateAuthority authority, std::unique_ptr<net::TlsContext> context)
    : directory_(std::move(directory)),
      names_(std::move(names)),
      loop_(loop),
      disk_(disk),
      clock_(clock),
      authority_(std::move(authority)),
      context_(std::move(context)),
      timer_(loop) {
  context_->on_name([this](std::string_view name) { return authority_.certificate_for(name); });
  wait();
}

void TlsIdentity::wait() {
  timer_.start(CertificateAuthority::kDayMs * 1000, [this] { renew(); });
}

// With an authority of its own: the loop's must not wait for the disk.
void TlsIdentity::renew() {
  const bool taken = disk_.submit([this] {
    auto authority = std::make_shared<Result<CertificateAuthority>>(CertificateAuthority::open(directory_, clock_));
    auto server = *authority ? (*authority)->server_certificate(names_) : Result<Server>(Failure(authority->error()));
    loop_.post([this, authority, server = std::move(server)] {
      auto used = !server ? Result<>(Failure(server.error())) : server->renewed ? take(*authority, *server) : Result<>();
      if (!used) log::error("tls", "the certificate could not be renewed", {{"error", used.error().message}});
      wait();
    });
  });
  if (!taken) wait();
}

Result<> TlsIdentity::take(Result<CertificateAuthority>& authority, const Server& server) {
  TRY(context_->use(server.certificate, server.key));
  authority_ = std::move(*authority);
  return {};
}

}  // namespace gust::daemon
