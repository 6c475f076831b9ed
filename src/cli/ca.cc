// SPDX-License-Identifier: Apache-2.0

// `gust ca`: the certificate that clients must trust to speak https with the server, and the variables that make them.

#include "base/json.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "os/files.h"

namespace gust::cli {
namespace {

// What each client reads: AWS CLI and boto3; Node.js; Go, OpenSSL and most others; curl.
constexpr const char* kVariables[] = {"AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE"};

Error with_advice(Error error, const Context& context) {
  if (error.code == Errc::NotFound)
    error.message = context.state + " has no certificate: 'gust serve' makes it at its first start; set --state to its directory";
  if (error.code == Errc::Permission) error.message += ": run it as root, as the server was";
  return error;
}

}  // namespace

int print_ca(const Context& context, bool certificate_only) {
  const std::string path = context.state + "/ca/ca.pem";
  const auto pem = files::read(path, 64 << 10);
  if (!pem) return failed(with_advice(pem.error(), context));
  if (certificate_only) {
    print(*pem);
    return kOk;
  }
  if (context.json) {
    Value out = Value::map();
    out.set("path", path);
    out.set("certificate", *pem);
    print(json::write(out) + "\n");
    return kOk;
  }
  std::string text = "# Clients that trust " + path +
                     " may use https on the server's port.\n"
                     "# All but Node.js's variable replace the system's certificates in this shell.\n";
  for (const char* name : kVariables) text += std::string("export ") + name + "=" + quoted(path) + "\n";
  print(text);
  return kOk;
}

}  // namespace gust::cli
