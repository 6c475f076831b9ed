// SPDX-License-Identifier: Apache-2.0

#pragma once

// /tmp of a sandbox: a sparse ext4 image without a name behind a loop device, so that it has a size, answers ENOSPC and is
// not charged as memory. Nothing outlives its mount: the file is unlinked, the device clears itself. Where loop devices or
// mke2fs are missing: tmpfs, which is charged. Used by the remover; not thread-safe.

#include <cstdint>
#include <list>
#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

class TmpImages {
 public:
  // Anonymous files are made in `directory`.
  TmpImages(std::string directory, bool force_tmpfs);
  // A mount that is attached nowhere yet (for move_mount), nosuid and nodev, writable by everybody.
  Result<Fd> make(uint64_t bytes);
  const std::string& fallback_reason() const { return reason_; }  // empty: loop images

 private:
  struct Template {
    uint64_t bytes;
    Fd file;
  };
  Result<int> template_for(uint64_t bytes);
  Result<Fd> anonymous_file(uint64_t size);
  Result<Fd> make_image(uint64_t bytes);
  Result<Fd> mount_loop(int image);

  std::string directory_, reason_;
  Fd loop_control_;
  std::list<Template> templates_;  // most recently used first
};

}  // namespace gust::sandbox
