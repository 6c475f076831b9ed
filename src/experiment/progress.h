// SPDX-License-Identifier: Apache-2.0

#pragma once

// How a run is getting on, on standard error. A terminal: one line per arm, redrawn in place. Anything else: one line every
// five seconds. Methods may be called from any thread; drawing happens in draw() alone.

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "experiment/model.h"

namespace gust::experiment {

struct ArmProgress {
  std::string arm;
  size_t planned = 0, sent = 0, done = 0, failed = 0;
  double p50_ms = 0;  // overall time of what is done
};

// The text of both forms; a negative ETA says that all is done. Pure.
std::vector<std::string> progress_lines(const std::vector<ArmProgress>& arms, const std::string& active, double eta_seconds);
std::string progress_line(const std::vector<ArmProgress>& arms, const std::string& active, double elapsed_seconds,
                          double eta_seconds);

class Progress {
 public:
  Progress(const std::vector<Arm>& arms, size_t planned);
  ~Progress();
  void sent(const std::string& arm);
  // What the table says of uploads of one arm so far, all blocks.
  void settled(const std::string& arm, size_t done, size_t failed, double p50_ms);
  void active(const std::string& arm, double eta_seconds);
  void draw();                        // at most five times a second on a terminal, every five seconds elsewhere
  void say(const std::string& text);  // a line that stays
  void close();                       // draws the last state

 private:
  void draw_locked(int64_t now_us);

  const bool terminal_;
  const int64_t start_us_;
  std::mutex mutex_;  // guards what follows
  std::vector<ArmProgress> arms_;
  std::string active_;
  double eta_seconds_ = 0;
  int64_t drawn_us_ = 0;
  size_t lines_ = 0;  // on the terminal, to be overwritten
  bool closed_ = false, any_ = false;
};

}  // namespace gust::experiment
