// SPDX-License-Identifier: Apache-2.0

#include "experiment/figures.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/encoding.h"
#include "experiment/format.h"
#include "experiment/tables.h"

namespace gust::experiment {
namespace {

constexpr double kWidth = 560;
using Tick = std::pair<double, std::string>;

std::string n1(double value) { return fixed(value, 1); }

// Elements of one drawing.
class Svg {
 public:
  Svg(double height, const std::string& label) {
    out_ = "<svg viewBox=\"0 0 " + fixed(kWidth, 0) + " " + fixed(height, 0) + "\" role=\"img\" aria-label=\"" +
           escape_xml(label) + "\">\n";
  }
  void line(double x1, double y1, double x2, double y2, const char* style) {
    out_ += "<line x1=\"" + n1(x1) + "\" y1=\"" + n1(y1) + "\" x2=\"" + n1(x2) + "\" y2=\"" + n1(y2) + "\" class=\"" + style +
            "\"/>\n";
  }
  void rect(double x, double y, double width, double height, size_t arm, double opacity, double radius = 2) {
    out_ += "<rect x=\"" + n1(x) + "\" y=\"" + n1(y) + "\" width=\"" + n1(std::max(width, 0.0)) + "\" height=\"" + n1(height) +
            "\" rx=\"" + fixed(radius, 0) + "\" style=\"fill:var(--arm-" + std::to_string(arm) + ")\"";
    if (opacity < 1) out_ += " fill-opacity=\"" + fixed(opacity, 2) + "\"";
    out_ += "/>\n";
  }
  void swatch(double x, double y, double opacity) {
    out_ += "<rect x=\"" + n1(x) + "\" y=\"" + n1(y) + "\" width=\"12\" height=\"12\" rx=\"2\" class=\"swatch\" fill-opacity=\"" +
            fixed(opacity, 2) + "\"/>\n";
  }
  void text(double x, double y, const std::string& content, const char* style, const char* anchor = "start") {
    out_ += "<text x=\"" + n1(x) + "\" y=\"" + n1(y) + "\" class=\"" + style + "\" text-anchor=\"" + anchor + "\">" +
            escape_xml(content) + "</text>\n";
  }
  void path(const std::string& d, size_t arm, const char* style) {
    out_ += "<path d=\"" + d + "\" class=\"" + style + "\" style=\"stroke:var(--arm-" + std::to_string(arm) + ")\"/>\n";
  }
  void dot(double x, double y, size_t arm) {
    out_ += "<circle cx=\"" + n1(x) + "\" cy=\"" + n1(y) + "\" r=\"4.5\" class=\"dot\" style=\"fill:var(--arm-" +
            std::to_string(arm) + ")\"/>\n";
  }
  std::string finish() { return out_ + "</svg>\n"; }

 private:
  std::string out_;
};

// 1, 2 or 5 times a power of ten, so that about `count` steps fill `most`.
double step_of(double most, int count) {
  if (!(most > 0)) return 1;
  const double raw = most / count, base = std::pow(10, std::floor(std::log10(raw)));
  for (double m : {1.0, 2.0, 5.0}) {
    if (raw <= m * base) return m * base;
  }
  return 10 * base;
}

// A horizontal bar per arm; `parts` are drawn from left to right.
struct Bar {
  size_t arm = 0;
  std::string name, value, remark;
  std::vector<std::pair<double, double>> parts;  // length, opacity
  Interval interval;                             // none where empty
  double total() const {
    double sum = 0;
    for (auto [length, opacity] : parts) sum += length;
    return sum;
  }
};

// With `split` bars are thicker and a legend says what their two parts are.
enum class Split { No, Yes };
std::string bars(const std::vector<Bar>& all, const std::string& label, const std::function<std::string(double)>& tick_text,
                 Split split = Split::No) {
  constexpr double kLeft = 86, kRight = 118, kAxis = 26;
  const double top = split == Split::Yes ? 26 : 0, height = split == Split::Yes ? 34 : 26, gap = split == Split::Yes ? 26 : 18;
  double most = 0;
  for (const Bar& b : all) most = std::max({most, b.total(), b.interval.high});
  const double step = step_of(most, 5), span = kWidth - kLeft - kRight,
               bottom = top + gap / 2 + static_cast<double>(all.size()) * (height + gap);
  auto x = [&](double value) { return kLeft + (most > 0 ? value / most * span : 0); };
  Svg svg(bottom + kAxis, label);
  if (top > 0) {
    svg.swatch(kLeft, 2, 0.4);
    svg.text(kLeft + 18, 12, "download", "muted");
    svg.swatch(kLeft + 92, 2, 1);
    svg.text(kLeft + 110, 12, "resize + upload", "muted");
    svg.line(kLeft + 212, 8, kLeft + 228, 8, "whisker");
    svg.text(kLeft + 234, 12, "95 % interval of the mean", "muted");
  }
  for (int i = 0; static_cast<double>(i) * step <= most * 1.0001; ++i) {
    const double at = x(static_cast<double>(i) * step);
    svg.line(at, top + 4, at, bottom, i == 0 ? "axis" : "grid");
    svg.text(at, bottom + 17, tick_text(static_cast<double>(i) * step), "muted", "middle");
  }
  double y = top + gap / 2 + 4;
  for (const Bar& b : all) {
    svg.text(kLeft - 10, y + height / 2 + 4, b.name, "label", "end");
    double from = 0;
    for (auto [length, opacity] : b.parts) {
      svg.rect(x(from), y, x(from + length) - x(from), height, b.arm, opacity);
      from += length;
    }
    double end = x(std::max(b.total(), b.interval.high));
    if (b.interval.high > b.interval.low) {
      svg.line(x(b.interval.low), y + height / 2, x(b.interval.high), y + height / 2, "halo");
      svg.line(x(b.interval.low), y + height / 2, x(b.interval.high), y + height / 2, "whisker");
      for (double edge : {b.interval.low, b.interval.high})
        svg.line(x(edge), y + height / 2 - 5, x(edge), y + height / 2 + 5, "whisker");
    }
    svg.text(end + 8, y + height / 2 + (b.remark.empty() ? 4 : -2), b.value, "value");
    if (!b.remark.empty()) svg.text(end + 8, y + height / 2 + 12, b.remark, "muted");
    y += height + gap;
  }
  return svg.finish();
}

// Axes with a logarithmic x.
class Plot {
 public:
  Plot(double height, double left, double x_low, double x_high)
      : height_(height), left_(left), low_(std::log10(x_low)), high_(std::log10(x_high)) {}
  double x(double value) const {
    return left_ + (std::log10(std::max(value, 1e-12)) - low_) / (high_ - low_) * (kWidth - left_ - kRight);
  }
  double right() const { return kWidth - kRight; }
  double left() const { return left_; }
  double top() const { return kTop; }
  double bottom() const { return height_ - kBottom; }
  double from_bottom(double share) const { return bottom() - share * (bottom() - kTop); }
  void x_ticks(Svg& svg, const std::function<std::string(double)>& text, std::initializer_list<double> mantissas) const {
    for (int e = static_cast<int>(std::floor(low_)); e <= static_cast<int>(std::ceil(high_)); ++e) {
      for (double m : mantissas) {
        const double value = m * std::pow(10, e), log = std::log10(value);
        if (log < low_ - 1e-9 || log > high_ + 1e-9) continue;
        svg.line(x(value), kTop, x(value), bottom(), "grid");
        svg.text(x(value), bottom() + 17, text(value), "muted", "middle");
      }
    }
  }
  void legend(Svg& svg, const Analysis& analysis) const {
    double at = left_;
    for (size_t i = 0; i < analysis.arms.size(); ++i) {
      const std::string name = arm_title(analysis.arms[i].arm);
      svg.rect(at, 5, 14, 6, i, 1, 3);
      svg.text(at + 19, 12, name, "label");
      at += 40 + 7 * static_cast<double>(name.size());
    }
  }

 private:
  static constexpr double kTop = 26, kBottom = 28, kRight = 16;
  double height_, left_, low_, high_;
};

std::string ecdf(const Analysis& analysis, const std::string& label, std::vector<double> ArmResult::*sorted) {
  double low = 1e300, high = 0;
  for (const ArmResult& a : analysis.arms) {
    const std::vector<double>& all = a.*sorted;
    if (all.empty()) continue;
    low = std::min(low, std::max(all.front(), 0.1));
    high = std::max(high, all.back());
  }
  if (high <= 0) low = 1, high = 10;
  const Plot plot(300, 46, low * 0.9, std::max(high * 1.1, low * 2));
  Svg svg(300, label);
  plot.legend(svg, analysis);
  for (int i = 0; i <= 4; ++i) {
    const double y = plot.from_bottom(i / 4.0);
    svg.line(plot.left(), y, plot.right(), y, i == 0 ? "axis" : "grid");
    svg.text(plot.left() - 8, y + 4, std::to_string(25 * i) + " %", "muted", "end");
  }
  plot.x_ticks(svg, [](double ms) { return ms >= 1000 ? fixed(ms / 1000, 0) + " s" : fixed(ms, ms < 1 ? 1 : 0) + " ms"; },
               {1, 2, 5});
  for (size_t i = 0; i < analysis.arms.size(); ++i) {
    const std::vector<double>& all = analysis.arms[i].*sorted;
    if (all.empty()) continue;
    std::string d = "M" + n1(plot.x(all.front())) + " " + n1(plot.bottom());
    for (size_t k = 0; k < all.size(); ++k) {
      d += "H" + n1(plot.x(all[k])) + "V" + n1(plot.from_bottom(static_cast<double>(k + 1) / static_cast<double>(all.size())));
    }
    svg.path(d + "H" + n1(plot.right()), i, "curve");
  }
  return svg.finish();
}

std::string price_bars(const Analysis& analysis, const std::string& label, double ArmResult::*price) {
  std::vector<Bar> all;
  const ArmResult* server = analysis.server();
  for (size_t i = 0; i < analysis.arms.size(); ++i) {
    const ArmResult& a = analysis.arms[i];
    Bar bar{i, arm_title(a.arm), money(a.*price) + " USD", "", {{a.*price, 1}}, {}};
    if (server && a.arm.kind == Arm::Kind::Function && server->*price > 0) {
      const double saved = server->*price - a.*price;
      bar.remark = money(std::abs(saved)) + (saved >= 0 ? " less" : " more");
    }
    all.push_back(std::move(bar));
  }
  return bars(all, label, [](double usd) {
    return fixed(usd, usd == std::floor(usd) ? 0 : usd * 10 == std::floor(usd * 10) ? 1 : 2);
  });
}

}  // namespace

std::string average_figure(const Analysis& analysis) {
  std::vector<Bar> all;
  for (size_t i = 0; i < analysis.arms.size(); ++i) {
    const ArmResult& a = analysis.arms[i];
    const double rest = std::max(0.0, a.overall.mean - a.download.mean - a.resize_upload.mean);
    all.push_back({i,
                   arm_title(a.arm),
                   milliseconds(a.overall.mean),
                   "n = " + std::to_string(a.overall.n),
                   {{a.download.mean, 0.4}, {a.resize_upload.mean + rest, 1}},
                   a.overall.mean_ci});
  }
  return bars(
      all, "Average time per image by arm", [](double ms) { return fixed(ms, 0) + " ms"; }, Split::Yes);
}

std::string time_ecdf_figure(const Analysis& analysis) {
  return ecdf(analysis, "Share of images that took at most this time", &ArmResult::overall_sorted);
}

std::string end_ecdf_figure(const Analysis& analysis) {
  return ecdf(analysis, "Share of uploads that were done at most this long after they were due", &ArmResult::end_to_end_sorted);
}

std::string day_figure(const Analysis& analysis) { return price_bars(analysis, "Price per day by arm", &ArmResult::day_price); }
std::string year_figure(const Analysis& analysis) {
  return price_bars(analysis, "Price per year by arm", &ArmResult::year_price);
}

std::string volume_figure(const Collected& collected, const Analysis& analysis) {
  const ArmResult* server = analysis.server();
  const double capacity = server ? server->capacity_per_day : 0, day = analysis.server_day, n = collected.run.uploads_per_day;
  double most = std::max({n * 3, capacity * 1.5, 1e4}), y_most = day * 2;
  for (const ArmResult& a : analysis.arms) most = std::max(most, std::min(a.break_even.uploads_per_day * 2, 1e8));
  const double least = std::min(std::max(n / 20, 10.0), 1000.0), y_least = day / 300;
  for (const ArmResult& a : analysis.arms) y_most = std::max(y_most, std::min(a.image_price * most, day * 10));
  const Plot plot(300, 62, least, most);
  Svg svg(300, "Price per day over uploads per day");
  auto y = [&](double usd) {
    return plot.from_bottom(std::clamp(
        (std::log10(std::max(usd, y_least)) - std::log10(y_least)) / (std::log10(y_most) - std::log10(y_least)), 0.0, 1.0));
  };
  plot.legend(svg, analysis);
  plot.x_ticks(svg, short_count, {1});
  svg.line(plot.left(), plot.bottom(), plot.right(), plot.bottom(), "axis");
  for (double usd = std::pow(10, std::ceil(std::log10(y_least))); usd <= y_most; usd *= 10) {
    svg.line(plot.left(), y(usd), plot.right(), y(usd), "grid");
    svg.text(plot.left() - 8, y(usd) + 4, usd >= 1 ? fixed(usd, 0) + " USD" : fixed(usd, usd >= 0.1 ? 1 : 2), "muted", "end");
  }
  svg.line(plot.x(n), plot.top(), plot.x(n), plot.bottom(), "mark");
  svg.text(plot.x(n) - 6, plot.bottom() - 8, "N = " + grouped(n), "muted", "end");
  for (size_t i = 0; i < analysis.arms.size(); ++i) {
    const ArmResult& a = analysis.arms[i];
    if (a.arm.kind == Arm::Kind::Function) {
      if (a.image_price <= 0) continue;
      const double from = std::max(least, y_least / a.image_price), to = std::min(most, y_most / a.image_price);
      svg.path(
          "M" + n1(plot.x(from)) + " " + n1(y(a.image_price * from)) + "L" + n1(plot.x(to)) + " " + n1(y(a.image_price * to)), i,
          "curve");
      continue;
    }
    std::string d = "M" + n1(plot.left()) + " " + n1(y(day));
    for (int machines = 1; capacity > 0 && machines * capacity < most && machines < 100 && (machines + 1) * day <= y_most;
         ++machines) {
      d += "H" + n1(plot.x(machines * capacity)) + "V" + n1(y((machines + 1) * day));
    }
    svg.path(d + "H" + n1(plot.right()), i, "curve");
  }
  for (size_t i = 0; i < analysis.arms.size(); ++i) {
    const BreakEven& b = analysis.arms[i].break_even;
    if (b.uploads_per_day > least && b.uploads_per_day < most && (capacity <= 0 || b.within_capacity()))
      svg.dot(plot.x(b.uploads_per_day), y(day), i);
  }
  return svg.finish();
}

}  // namespace gust::experiment
