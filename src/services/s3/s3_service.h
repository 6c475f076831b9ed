// SPDX-License-Identifier: Apache-2.0

#pragma once

// Amazon S3's API: buckets, objects, listings, notifications to functions. Rows are in the store (bucket.h, object.h),
// bodies of more than 64 KiB are files (blob/). A change, its events to functions and the names of files that it leaves
// behind are one transaction; it is answered after the commit, and no worker waits for one.
//
// Order for a large body: the spooled upload is synced and gets its name (disk thread), then the row that names it is
// committed. A replaced or deleted body file is removed after the commit that forgets it (garbage.h).
//
// Not built, refused by name: versions, uploads in parts, copies, tags, ACLs, other storage classes, encryption with
// keys of the caller, and request members that would have no effect.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blob/blob_store.h"
#include "invoke/ports.h"
#include "model/service.h"
#include "net/worker_pool.h"
#include "os/clock.h"
#include "services/s3/bucket.h"
#include "services/s3/bucket_access.h"
#include "services/s3/conditions.h"
#include "services/s3/event_document.h"
#include "services/s3/garbage.h"
#include "services/s3/object.h"
#include "store/store.h"

namespace gust::s3 {

// All of these must outlive the service, but it must outlive whatever still runs on the pool and on the store: stop
// sending calls, let both come to rest, then destroy it.
struct Parts {
  store::Store& store;
  invoke::EventSink& events;
  invoke::InvokePolicy& policy;
  net::WorkerPool& disk;
  const Clock& clock;
  std::string objects_directory;  // STATE/objects; on the file system where uploads are spooled
  blob::Durability durability = blob::system_durability();
};

class S3Service : public model::Service {
 public:
  explicit S3Service(Parts parts);

  // Makes the directory, goes on with unfinished deletions, removes body files that no row names. Blocking; once, before
  // the first call.
  Result<> load();

  std::string_view id() const override { return "s3"; }
  bool implements(std::string_view operation) const override;
  void call(model::Call call, model::Responder responder) override;

 private:
  using Answer = tl::expected<model::Reply, model::ApiError>;
  // Reads answer at once; an Error is not the caller's fault. Writes answer after their commit.
  using Read = Result<Answer> (S3Service::*)(const model::Call&);
  using Write = void (S3Service::*)(model::Call&, const model::Responder&);
  struct Entry {
    std::string_view operation;
    Read read = nullptr;
    Write write = nullptr;
  };
  static const Entry* find_entry(std::string_view operation);

  Result<std::optional<Bucket>> look_up(const model::Call& call, Problem& problem) const;  // in a view of its own

  // What a change does beside its rows; made anew on each run of the mutation.
  struct Effects {
    Problem problem;  // set: nothing shall be changed
    std::vector<invoke::AsyncEvent> events;
    std::vector<std::string> files;  // that no row names any more
  };
  using Change = std::function<Result<>(store::Transaction&, Effects&)>;
  enum class Fate { Committed, Refused, Failed };  // Failed: not acknowledged, may be there after a crash all the same
  using Then = std::function<void(Fate, Problem)>;
  void write(Change change, Then then);  // `then` on the store's writer thread
  void write(Change change, const model::Responder& responder, std::function<model::Reply()> reply);
  Result<> add_events(store::Transaction& transaction, Effects& effects, const Bucket& bucket, std::string_view event,
                      std::string_view key, const Object* object, const Cause& cause);
  uint64_t next_sequencer();

  // buckets.cc
  void create_bucket(model::Call& call, const model::Responder& responder);
  void delete_bucket(model::Call& call, const model::Responder& responder);
  Result<Answer> head_bucket(const model::Call& call);
  Result<Answer> get_bucket_location(const model::Call& call);
  Result<Answer> list_buckets(const model::Call& call);
  Result<> collect_buckets(const model::Call& call, std::string from, Value& output);

  // put_object.cc
  struct Upload;
  using UploadPtr = std::shared_ptr<Upload>;
  void put_object(model::Call& call, const model::Responder& responder);
  void put_body(const UploadPtr& upload, const model::Responder& responder);
  void put_rows(const UploadPtr& upload, const model::Responder& responder);
  Result<> put_in(store::Transaction& transaction, Effects& effects, const Upload& upload);

  // get_object.cc
  Result<Answer> get_object(const model::Call& call);
  Result<Answer> head_object(const model::Call& call);
  enum class Want { Object, Body };
  Result<Answer> answer_read(const model::Call& call, Want want);
  Result<Answer> try_read(const model::Call& call, Want want);
  Result<http::Body> read_body(store::View& view, std::string_view row_key, const Object& object, Range part);

  // delete_object.cc
  void delete_object(model::Call& call, const model::Responder& responder);
  void delete_objects(model::Call& call, const model::Responder& responder);
  struct Deletion;
  void delete_batch(const std::shared_ptr<Deletion>& deletion);
  Result<> delete_in(store::Transaction& transaction, Effects& effects, const Bucket& bucket, std::string_view key,
                     const Cause& cause);

  // list_objects.cc
  Result<Answer> list_objects_v2(const model::Call& call);
  Result<Answer> list_objects_v1(const model::Call& call);

  // bucket_notification.cc
  void put_bucket_notification(model::Call& call, const model::Responder& responder);
  Result<Answer> get_bucket_notification(const model::Call& call);

  Parts parts_;
  blob::BlobStore blobs_;
  Garbage garbage_;
  std::atomic<uint64_t> sequencer_ = 0;
};

}  // namespace gust::s3
