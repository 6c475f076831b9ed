// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the files of the signed client share; not installed.

#include <map>
#include <string>

#include "gust/aws.h"

namespace gust::aws {

struct Client::Impl {
  struct Target {
    http::Url url;
    std::string path;
  };
  Config config;
  std::map<std::string, http::Client> connections;

  Result<Target> target(const Call& call) const;
  http::Request prepare(const Call& call, const Target& target) const;
  http::Client& connection(const http::Url& url);
};

}  // namespace gust::aws
