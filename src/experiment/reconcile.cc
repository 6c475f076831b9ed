// SPDX-License-Identifier: Apache-2.0

#include "experiment/reconcile.h"

#include <map>
#include <set>

namespace gust::experiment {
namespace {

// One arm's records, by what they are compared by.
class ArmCheck {
 public:
  ArmCheck(const std::string& run, const Arm& arm, size_t planned, const Records& records) : run_(run), arm_(arm) {
    count_.arm = arm.name;
    count_.planned = planned;
    for (const Sent& s : records.sent) {
      if (s.arm == arm.name) sent_[s.sequence] = &s;
    }
    for (const Row& r : records.rows) {
      if (r.arm == arm.name) rows_[r.sequence].push_back(&r);
    }
    for (const Executed& e : records.executed) {
      if (arm.kind == Arm::Kind::Function && e.function == arm.resource()) executed_[e.request_id].push_back(&e);
    }
    const std::string prefix = "renditions/" + run + "/" + arm.name + "/";
    for (const std::string& key : records.rendition_keys) {
      if (key.starts_with(prefix)) renditions_.insert(key);
    }
    count_.renditions = renditions_.size();
  }

  void run(Reconciliation& out) {
    check_sent();
    check_rows();
    if (arm_.kind == Arm::Kind::Function) check_executions();
    check_renditions();
    out.arms.push_back(count_);
    out.remainders.insert(out.remainders.end(), found_.begin(), found_.end());
  }

 private:
  void report(std::string id, std::string problem) { found_.push_back({arm_.name, std::move(id), std::move(problem)}); }

  size_t renditions_of(uint64_t sequence) const {
    size_t n = 0;
    for (uint32_t width : kRenditionWidths) n += renditions_.contains(rendition_key(run_, arm_.name, sequence, width));
    return n;
  }

  void check_sent() {
    for (uint64_t i = 0; i < count_.planned; ++i) {
      auto found = sent_.find(i);
      if (found == sent_.end()) {
        report(sequence_text(i), "planned upload that was never sent");
      } else if (!found->second->error.empty()) {
        ++count_.refused;
        report(sequence_text(i), "upload refused: " + found->second->error);
      } else {
        ++count_.sent;
        if (!rows_.contains(i)) {
          ++count_.unsettled;
          report(sequence_text(i),
                 "acknowledged upload without a row; " + std::to_string(renditions_of(i)) + " of its renditions are there");
        }
      }
    }
  }

  void check_rows() {
    for (const auto& [sequence, list] : rows_) {
      const Row* last = list.front();
      bool ok = false;
      for (const Row* row : list) {
        ++count_.rows;
        if (row->attempt >= last->attempt) last = row;
        ok = ok || row->status == "ok";
      }
      count_.repeated += list.size() - 1;
      if (ok) ++count_.ok, done_.insert(sequence);
      else if (last->status == "skipped") ++count_.skipped;
      else ++count_.failed;
      if (!ok && last->status == "failed") report(sequence_text(sequence), "failed: " + last->error_type + ": " + last->error);
      if (!sent_.contains(sequence)) report(sequence_text(sequence), "row of an upload that was never sent");
    }
  }

  void check_executions() {
    std::map<std::string, size_t> rows;  // by request id
    for (const auto& [sequence, list] : rows_) {
      for (const Row* row : list) {
        if (++rows[row->request_id] == 1 && !executed_.contains(row->request_id)) {
          report(row->request_id, "row of " + sequence_text(sequence) + " without an execution in the meter");
        }
      }
    }
    for (const auto& [request_id, list] : executed_) {
      size_t ok = 0;
      for (const Executed* e : list) ok += e->outcome == "ok";
      count_.executions += list.size();
      count_.executions_failed += list.size() - ok;
      const size_t written = rows[request_id];
      if (ok > written) report(request_id, "execution that succeeded without a row");
      else if (written == 0) report(request_id, "execution that failed (" + list.back()->outcome + ") without a row");
      if (written > list.size())
        report(request_id, std::to_string(written) + " rows of " + std::to_string(list.size()) + " executions");
    }
  }

  void check_renditions() {
    std::set<std::string> expected;
    for (uint64_t sequence : done_) {
      for (uint32_t width : kRenditionWidths) {
        std::string key = rendition_key(run_, arm_.name, sequence, width);
        if (!renditions_.contains(key)) report(key, "rendition is missing");
        expected.insert(std::move(key));
      }
    }
    for (const auto& [sequence, sent] : sent_) {  // named with their upload already
      if (rows_.contains(sequence)) continue;
      for (uint32_t width : kRenditionWidths) expected.insert(rendition_key(run_, arm_.name, sequence, width));
    }
    for (const std::string& key : renditions_) {
      if (!expected.contains(key)) report(key, "rendition without a row that says ok");
    }
  }

  const std::string& run_;
  const Arm& arm_;
  ArmCount count_;
  std::vector<Remainder> found_;
  std::map<uint64_t, const Sent*> sent_;
  std::map<uint64_t, std::vector<const Row*>> rows_;
  std::map<std::string, std::vector<const Executed*>> executed_;
  std::set<std::string> renditions_;
  std::set<uint64_t> done_;
};

}  // namespace

Reconciliation reconcile(const std::string& run, const std::vector<Arm>& arms, const std::map<std::string, size_t>& planned,
                         const Records& records) {
  Reconciliation out;
  for (const Arm& arm : arms) {
    auto at = planned.find(arm.name);
    ArmCheck(run, arm, at == planned.end() ? 0 : at->second, records).run(out);
  }
  // Rows of an arm that is not there would be counted nowhere.
  std::set<std::string> known;
  for (const Arm& arm : arms) known.insert(arm.name);
  for (const Row& row : records.rows) {
    if (!known.contains(row.arm))
      out.remainders.push_back({row.arm, sequence_text(row.sequence), "row of an arm that was not run"});
  }
  return out;
}

}  // namespace gust::experiment
