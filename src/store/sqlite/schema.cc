// SPDX-License-Identifier: Apache-2.0

#include "store/sqlite/schema.h"

namespace gust::store {
namespace {

Result<> make_spaces(Connection& writer) {
  constexpr int kSpacesThen = 6;
  for (int space = 1; space <= kSpacesThen; ++space) {
    const std::string table = "s" + std::to_string(space);
    // A rowid table with an index: 17 us a row of 1 KiB against 50 for WITHOUT ROWID, whose large records overflow.
    TRY(writer.run("CREATE TABLE " + table + "(id INTEGER PRIMARY KEY, k BLOB NOT NULL, v BLOB NOT NULL)"));
    TRY(writer.run("CREATE UNIQUE INDEX " + table + "k ON " + table + "(k)"));
  }
  return {};
}

constexpr SchemaStep kSteps[] = {make_spaces};

Result<> take_step(Connection& writer, SchemaStep step, size_t version) {
  TRY(step(writer));
  TRY(writer.run("CREATE TABLE IF NOT EXISTS schema_version(version INTEGER NOT NULL)"));
  TRY(writer.run("INSERT INTO schema_version VALUES(" + std::to_string(version) + ")"));
  return writer.run("COMMIT");
}

}  // namespace

std::span<const SchemaStep> schema_steps() { return kSteps; }

Result<> migrate(Connection& writer, const std::string& path, std::span<const SchemaStep> steps) {
  size_t version = 0;
  auto known = TRY(writer.number("SELECT 1 FROM sqlite_master WHERE type='table' AND name='schema_version'"));
  if (known) version = static_cast<size_t>(TRY(writer.number("SELECT max(version) FROM schema_version")).value_or(0));
  if (version > steps.size()) {
    return fail(Errc::Unsupported, path + " was written by a newer version of Gust (layout " + std::to_string(version) +
                                       ", this one knows " + std::to_string(steps.size()) + "); use that version");
  }
  for (; version < steps.size(); ++version) {
    TRY(writer.run("BEGIN IMMEDIATE"));
    auto taken = take_step(writer, steps[version], version + 1);
    if (taken) continue;
    if (writer.in_transaction()) (void)writer.run("ROLLBACK");
    return Failure(std::move(taken).error().in("bringing " + path + " to layout " + std::to_string(version + 1)));
  }
  return {};
}

}  // namespace gust::store
