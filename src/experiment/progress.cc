// SPDX-License-Identifier: Apache-2.0

#include "experiment/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/encoding.h"
#include "experiment/format.h"
#include "os/clock.h"

namespace gust::experiment {
namespace {

constexpr int64_t kTerminalPauseUs = 200'000, kLinePauseUs = 5'000'000;

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string eta_text(double seconds) {
  const long whole = std::lround(std::max(0.0, seconds));
  return whole >= 60 ? std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s" : std::to_string(whole) + " s";
}

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

std::string counts(const ArmProgress& a) {
  return "sent " + std::to_string(a.sent) + "/" + std::to_string(a.planned) + ", done " + std::to_string(a.done) + ", failed " +
         std::to_string(a.failed) + (a.done > 0 ? ", p50 " + milliseconds(a.p50_ms) : "");
}

}  // namespace

std::vector<std::string> progress_lines(const std::vector<ArmProgress>& arms, const std::string& active, double eta_seconds) {
  constexpr size_t kBar = 16;
  std::vector<std::string> out;
  for (const ArmProgress& a : arms) {
    const size_t all = std::max<size_t>(a.planned, 1), settled = std::min(a.done + a.failed, all) * kBar / all,
                 sent = std::min(a.sent, all) * kBar / all;
    std::string bar(settled, '#');
    if (sent > settled) bar.append(sent - settled, '-');
    out.push_back((a.arm == active ? "> " : "  ") + padded(a.arm, 14) + "[" + padded(bar, kBar) + "] " + counts(a));
  }
  out.push_back(eta_seconds < 0 ? "  done" : "  about " + eta_text(eta_seconds) + " left");
  return out;
}

std::string progress_line(const std::vector<ArmProgress>& arms, const std::string& active, double elapsed_seconds,
                          double eta_seconds) {
  std::string out = fixed(elapsed_seconds, 0) + " s";
  for (const ArmProgress& a : arms) {
    if (a.arm != active && a.sent == 0) continue;
    out += " | " + a.arm + (a.arm == active ? "*" : "") + " " + counts(a);
  }
  return out + (eta_seconds < 0 ? " | done" : " | about " + eta_text(eta_seconds) + " left");
}

Progress::Progress(const std::vector<Arm>& arms, size_t planned)
    : terminal_(isatty(STDERR_FILENO) == 1), start_us_(system_clock().monotonic_us()) {
  for (const Arm& arm : arms) arms_.push_back({arm.name, planned});
}

Progress::~Progress() { close(); }

void Progress::sent(const std::string& arm) {
  std::lock_guard lock(mutex_);
  for (ArmProgress& a : arms_) a.sent += a.arm == arm;
}

void Progress::settled(const std::string& arm, size_t done, size_t failed, double p50_ms) {
  std::lock_guard lock(mutex_);
  for (ArmProgress& a : arms_) {
    if (a.arm == arm) a.done = done, a.failed = failed, a.p50_ms = p50_ms;
  }
}

void Progress::active(const std::string& arm, double eta_seconds) {
  std::lock_guard lock(mutex_);
  active_ = arm;
  eta_seconds_ = eta_seconds;
  any_ = true;
}

void Progress::draw_locked(int64_t now_us) {
  drawn_us_ = now_us;
  std::string out;
  if (terminal_) {
    if (lines_ > 0) out = "\033[" + std::to_string(lines_) + "A";
    std::vector<std::string> lines = progress_lines(arms_, active_, eta_seconds_);
    const size_t width = terminal_width();  // a line that wraps would be two to go up
    for (const std::string& line : lines) out += "\r" + line.substr(0, width - 1) + "\033[K\n";
    lines_ = lines.size();
  } else {
    out = progress_line(arms_, active_, static_cast<double>(now_us - start_us_) / 1e6, eta_seconds_) + "\n";
  }
  fputs(out.c_str(), stderr);
}

void Progress::draw() {
  std::lock_guard lock(mutex_);
  const int64_t now = system_clock().monotonic_us();
  if (closed_ || !any_ || now - drawn_us_ < (terminal_ ? kTerminalPauseUs : kLinePauseUs)) return;
  draw_locked(now);
}

void Progress::say(const std::string& text) {
  std::lock_guard lock(mutex_);
  if (lines_ > 0) fprintf(stderr, "\033[%zuA\033[J", lines_);
  lines_ = 0;
  fprintf(stderr, "%s\n", escape_terminal(text).c_str());
}

void Progress::close() {
  std::lock_guard lock(mutex_);
  if (closed_ || !any_) return;
  closed_ = true;
  active_.clear();
  eta_seconds_ = -1;
  draw_locked(system_clock().monotonic_us());
}

}  // namespace gust::experiment
