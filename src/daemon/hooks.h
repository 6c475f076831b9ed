// SPDX-License-Identifier: Apache-2.0

#pragma once

// What the command asks the daemon for beside AWS's APIs:
//   GET /_gust/ps                          environments, services and waiting events
//   GET /_gust/events                      what waits and why
//   GET /_gust/executions?function=&from_us=&limit=   the meter's records, one JSON object a line
//   GET /_gust/functions/NAME/explain      every limit of a function and where it comes from; its live environments
//   /_gust/services...                     services_hook.h
// All need a signature outside --dev. Handlers run on the loop; what reads files goes to the disk pool.

#include <string>

#include "daemon/services_hook.h"
#include "invoke/event_queue.h"
#include "invoke/router.h"
#include "meter/log_sink.h"

namespace gust::daemon {

struct HookParts {
  net::Loop& loop;
  net::WorkerPool& disk;
  invoke::Router& router;
  invoke::EventQueue& events;
  meter::LogSink& logs;
  ServicesHook& services;
  std::string state_directory;
};

void add_hooks(gateway::Gateway& gateway, HookParts parts);

}  // namespace gust::daemon
