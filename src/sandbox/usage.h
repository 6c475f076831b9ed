// SPDX-License-Identifier: Apache-2.0

#pragma once

// Order of Started::usage. Which version it is follows from the number of files. Read with pread(2) from 0.

#include <cstddef>

namespace gust::sandbox {

enum UsageV1 : size_t { kV1Cpu, kV1CpuSplit, kV1CpuStat, kV1MemoryPeak, kV1Oom, kV1Pids, kV1Tasks, kV1Files };
enum UsageV2 : size_t { kV2CpuStat, kV2MemoryPeak, kV2MemoryEvents, kV2Pids, kV2Threads, kV2Files };

}  // namespace gust::sandbox
