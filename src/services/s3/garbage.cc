// SPDX-License-Identifier: Apache-2.0

#include "services/s3/garbage.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/log.h"
#include "services/s3/manifest.h"
#include "services/s3/multipart.h"
#include "services/s3/object.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

constexpr size_t kPage = 1000;  // rows of one transaction

std::string prefix() { return store::Key().text("s3").bytes(); }
std::string row_key(std::string_view id) { return store::Key().text("s3").raw(id).bytes(); }
// Rows that stand for many files: of a manifest, by its first file; of uploads, by the prefix of their rows.
std::string manifests() { return store::Key().text("s3-files").bytes(); }
std::string uploads() { return store::Key().text("s3-uploads").bytes(); }

store::Mutation strike_off(std::vector<std::string> ids) {
  return [ids = std::move(ids)](store::Transaction& transaction) -> Result<> {
    for (const std::string& id : ids) TRY(transaction.erase(store::Space::Garbage, row_key(id)));
    return {};
  };
}

// The marks of files in use, page by page, beside files that come in the same order.
class Marks {
 public:
  explicit Marks(store::Store& store) : store_(store), from_(file_mark_prefix()), end_(store::prefix_end(from_)) {}
  // The first mark that is not less than `id`; empty at the end.
  Result<std::string> at_least(const std::string& id) {
    for (;;) {
      for (; next_ < page_.size(); ++next_) {
        if (page_[next_] >= id) return page_[next_];
      }
      if (ended_) return std::string();
      TRY(read());
    }
  }

 private:
  Result<> read() {
    auto view = TRY(store_.read());
    const auto rows = TRY(view->scan(store::Space::Body, from_, end_, kPage));
    page_.clear();
    next_ = 0;
    for (const store::Row& row : rows) page_.push_back(TRY(file_of_mark(row.key)));
    ended_ = rows.empty();
    if (!rows.empty()) from_ = rows.back().key + '\0';
    return {};
  }

  store::Store& store_;
  std::string from_, end_;
  std::vector<std::string> page_;
  size_t next_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<> Garbage::note(store::Transaction& transaction, std::string_view id) {
  TRY(transaction.erase(store::Space::Body, file_mark(id)));
  return transaction.put(store::Space::Garbage, row_key(id), "");
}

Result<> Garbage::note_files(store::Transaction& transaction, std::string_view manifest, Leftovers& leftovers) {
  ManifestReader in(manifest);
  if (!in.next()) return fail(Errc::Internal, "an empty manifest");
  leftovers.rows.push_back(store::Key().raw(manifests()).raw(in.file()).bytes());
  return transaction.put(store::Space::Garbage, leftovers.rows.back(), manifest);
}

Result<> Garbage::note_uploads(store::Transaction& transaction, std::string_view rows, Leftovers& leftovers) {
  leftovers.rows.push_back(store::Key().raw(uploads()).raw(rows).bytes());
  return transaction.put(store::Space::Garbage, leftovers.rows.back(), "");
}

void Garbage::remove(Leftovers leftovers) {
  if (leftovers.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    std::move(leftovers.files.begin(), leftovers.files.end(), std::back_inserter(waiting_.files));
    std::move(leftovers.rows.begin(), leftovers.rows.end(), std::back_inserter(waiting_.rows));
    if (running_) return;
    running_ = true;
  }
  if (disk_.submit([this] { run(); })) return;
  const std::lock_guard lock(mutex_);
  running_ = false;  // the next removal takes them along, or the next start
}

void Garbage::run() {
  for (;;) {
    Leftovers now;
    {
      const std::lock_guard lock(mutex_);
      std::swap(now, waiting_);
      if (now.empty()) {
        running_ = false;
        return;
      }
    }
    if (!now.files.empty()) remove_files(std::move(now.files));
    for (const std::string& row : now.rows) {
      const auto removed = remove_row(row);
      if (!removed) log::warning("s3", "body files stay until the next start", {{"error", removed.error().message}});
    }
  }
}

void Garbage::remove_files(std::vector<std::string> ids) {
  std::erase_if(ids, [this](const std::string& id) {
    const auto removed = blobs_.remove(id);
    if (!removed) log::warning("s3", "body file stays until the next start", {{"id", id}, {"error", removed.error().message}});
    return !removed;
  });
  // A file that a power loss brings back has no mark: the next start removes it.
  if (!ids.empty()) store_.commit(strike_off(std::move(ids)), [](Result<>) {});
}

Result<> Garbage::remove_row(const std::string& row) {
  if (row.starts_with(uploads())) {
    TRY(remove_uploads(row.substr(uploads().size())));
    return store_.commit_and_wait([row](store::Transaction& t) { return t.erase(store::Space::Garbage, row); });
  }
  std::optional<std::string> manifest;
  {
    auto view = TRY(store_.read());
    manifest = TRY(view->get(store::Space::Garbage, row));
  }
  if (!manifest) return {};
  const auto files = TRY(files_of(*manifest));
  for (const std::string& file : files) TRY(blobs_.remove(file));
  // The last batch takes the row itself along.
  for (size_t at = 0; at < files.size(); at += kPage) {
    TRY(store_.commit_and_wait([&](store::Transaction& transaction) -> Result<> {
      const size_t end = std::min(at + kPage, files.size());
      for (size_t i = at; i < end; ++i) TRY(transaction.erase(store::Space::Body, file_mark(files[i])));
      return end == files.size() ? transaction.erase(store::Space::Garbage, row) : Result<>();
    }));
  }
  return {};
}

Result<> Garbage::remove_uploads(const std::string& rows) {
  for (;;) {
    std::vector<store::Row> page;
    {
      auto view = TRY(store_.read());
      page = TRY(view->scan(store::Space::Object, rows, store::prefix_end(rows), kPage));
    }
    if (page.empty()) return {};
    std::vector<std::string> files;
    for (const store::Row& row : page) {
      const std::string file = TRY(file_of_upload_row(row.value));
      if (!file.empty()) files.push_back(file);
    }
    for (const std::string& file : files) TRY(blobs_.remove(file));
    TRY(store_.commit_and_wait([&](store::Transaction& transaction) -> Result<> {
      for (const std::string& file : files) TRY(transaction.erase(store::Space::Body, file_mark(file)));
      for (const store::Row& row : page) TRY(transaction.erase(store::Space::Object, row.key));
      return {};
    }));
  }
}

Result<> Garbage::finish() {
  TRY(remove_noted());
  return remove_unmarked();
}

Result<> Garbage::remove_noted() {
  for (std::string from = prefix();;) {
    std::vector<std::string> ids;
    {
      auto view = TRY(store_.read());
      for (const store::Row& row : TRY(view->scan(store::Space::Garbage, from, store::prefix_end(prefix()), kPage))) {
        ids.push_back(row.key.substr(prefix().size()));
      }
    }
    if (ids.empty()) break;
    from = row_key(ids.back()) + '\0';
    for (const std::string& id : ids) TRY(blobs_.remove(id));
    TRY(store_.commit_and_wait(strike_off(std::move(ids))));
  }
  for (const std::string& kind : {manifests(), uploads()}) {
    for (;;) {
      std::vector<store::Row> first;
      {
        auto view = TRY(store_.read());
        first = TRY(view->scan(store::Space::Garbage, kind, store::prefix_end(kind), 1));
      }
      if (first.empty()) break;
      TRY(remove_row(first[0].key));
    }
  }
  return {};
}

Result<> Garbage::remove_unmarked() {
  Marks marks(store_);
  size_t removed = 0;
  TRY(blobs_.each([&](const std::string& id) -> Result<> {
    if (TRY(marks.at_least(id)) == id) return {};
    ++removed;
    return blobs_.remove(id);
  }));
  if (removed > 0) log::info("s3", "removed body files that no object names", {{"files", std::to_string(removed)}});
  return {};
}

}  // namespace gust::s3
