// SPDX-License-Identifier: Apache-2.0

#pragma once

// Amazon S3's API: buckets, objects and their versions, uploads in parts, copies, listings, tags, notifications to functions.
// Rows are in the store (bucket.h, object.h, versions.h, multipart.h), bodies of more than 64 KiB are files (blob/). A change,
// its events to functions and the names of files that it leaves behind are one transaction; it is answered after the commit,
// and no worker waits for one.
//
// Order for a large body: the spooled upload is synced and gets its name (disk thread), then the row that names it is
// committed. A replaced or deleted body file is removed after the commit that forgets it (garbage.h).
//
// Not built, refused by name: encryption with other keys than the server's, object lock, and request members that would have
// no effect. Storage classes and website redirects are kept and answered, and have no effect.

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
#include "services/s3/bucket_documents.h"
#include "services/s3/conditions.h"
#include "services/s3/event_document.h"
#include "services/s3/garbage.h"
#include "services/s3/multipart.h"
#include "services/s3/object.h"
#include "services/s3/versions.h"
#include "store/store.h"

namespace gust::s3 {

struct SourceName;  // copy_source.h

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
  std::vector<std::string_view> without_effect() const override;
  void call(model::Call call, model::Responder responder) override;

  // What the gateway asks about strangers.
  model::BucketRules& rules() { return documents_; }

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
  // The version of an object that a call means, and its bucket; nullopt and the problem.
  struct Opened {
    Bucket bucket;
    Stored stored;
  };
  static Result<std::optional<Opened>> open(store::View& view, const Access& access, const Value& input, Problem& problem);
  static Answer no(Problem& problem) { return Answer(tl::unexpected(std::move(*problem))); }

  // What a change does beside its rows; made anew on each run of the mutation.
  struct Effects {
    Problem problem;  // set: nothing shall be changed
    std::vector<invoke::AsyncEvent> events;
    Leftovers leftovers;  // files that no row names any more
  };
  using Change = std::function<Result<>(store::Transaction&, Effects&)>;
  enum class Fate { Committed, Refused, Failed };  // Failed: not acknowledged, may be there after a crash all the same
  using Then = std::function<void(Fate, Problem)>;
  void write(Change change, Then then);  // `then` on the store's writer thread
  void write(Change change, const model::Responder& responder, std::function<model::Reply()> reply);
  Result<> add_events(store::Transaction& transaction, Effects& effects, const Bucket& bucket, const Happened& happened,
                      const Cause& cause);
  uint64_t next_sequencer();
  KeyChange change(store::Transaction& transaction, const Bucket& bucket, std::string_view key, Effects& effects) {
    return KeyChange(transaction, bucket, key, effects.leftovers, next_sequence_);
  }

  // buckets.cc
  void create_bucket(model::Call& call, const model::Responder& responder);
  void delete_bucket(model::Call& call, const model::Responder& responder);
  Result<Answer> head_bucket(const model::Call& call);
  Result<Answer> get_bucket_location(const model::Call& call);
  Result<Answer> list_buckets(const model::Call& call);
  Result<> collect_buckets(const model::Call& call, std::string from, Value& output);

  // bucket_versioning.cc
  void put_bucket_versioning(model::Call& call, const model::Responder& responder);
  Result<Answer> get_bucket_versioning(const model::Call& call);

  // new_object.cc: an object on its way into the store, from whatever operation.
  struct NewObject;
  using NewObjectPtr = std::shared_ptr<NewObject>;
  void put_body(const NewObjectPtr& object);
  void put_rows(const NewObjectPtr& object);
  Result<> put_in(store::Transaction& transaction, Effects& effects, NewObject& object);
  Problem acl_problem(const model::Call& call);  // with x-amz-acl and the like of an object

  // put_object.cc
  void put_object(model::Call& call, const model::Responder& responder);

  // copy_source.cc, copy_object.cc
  struct CopySource;
  void copy_object(model::Call& call, const model::Responder& responder);
  // The source in its range, if any; nullopt and the problem. The target's bucket is there.
  Result<std::optional<CopySource>> open_source(const model::Call& call, Problem& problem);
  Result<std::optional<CopySource>> read_source(const model::Call& call, const SourceName& name, const Access& target,
                                                Problem& problem);
  static model::Reply reply_of_copy(const CopySource& source, const NewObject& done);
  std::string temporary_path() const;  // for a copy that grows: files of such names are removed at a start

  // multipart_upload.cc
  void create_multipart_upload(model::Call& call, const model::Responder& responder);
  void abort_multipart_upload(model::Call& call, const model::Responder& responder);

  // upload_part.cc
  struct NewPart;
  using NewPartPtr = std::shared_ptr<NewPart>;
  void upload_part(model::Call& call, const model::Responder& responder);
  void upload_part_copy(model::Call& call, const model::Responder& responder);
  void put_part_body(const NewPartPtr& part);
  void put_part_row(const NewPartPtr& part);

  // complete_upload.cc
  struct Completion;
  void complete_multipart_upload(model::Call& call, const model::Responder& responder);
  Result<> complete_in(store::Transaction& transaction, Effects& effects, Completion& completion);

  // list_parts.cc, list_uploads.cc
  Result<Answer> list_parts(const model::Call& call);
  Result<Answer> list_multipart_uploads(const model::Call& call);

  // get_object.cc
  Result<Answer> get_object(const model::Call& call);
  Result<Answer> head_object(const model::Call& call);
  enum class Want { Object, Body };
  Result<Answer> answer_read(const model::Call& call, Want want);
  Result<Answer> try_read(const model::Call& call, Want want);
  Result<http::Body> read_body(store::View& view, std::string_view row_key, const Object& object, Range part);
  Result<http::Body> read_files(std::string_view manifest, Range part);

  // object_attributes.cc, object_tagging.cc, object_acl.cc
  Result<Answer> get_object_attributes(const model::Call& call);
  void put_object_tagging(model::Call& call, const model::Responder& responder);
  void delete_object_tagging(model::Call& call, const model::Responder& responder);
  void set_tags(model::Call& call, TextPairs tags, const model::Responder& responder);
  Result<Answer> get_object_tagging(const model::Call& call);
  void put_object_acl(model::Call& call, const model::Responder& responder);
  Result<Answer> get_object_acl(const model::Call& call);

  // delete_object.cc
  void delete_object(model::Call& call, const model::Responder& responder);
  void delete_objects(model::Call& call, const model::Responder& responder);
  struct Target;
  struct Deletion;
  void delete_batch(const std::shared_ptr<Deletion>& deletion);
  Result<> delete_in(store::Transaction& transaction, Effects& effects, const Bucket& bucket, Target& target, const Cause& cause);
  Result<> delete_latest(store::Transaction& transaction, Effects& effects, const Bucket& bucket, Target& target,
                         const Cause& cause);

  // list_objects.cc, list_versions.cc
  Result<Answer> list_objects_v2(const model::Call& call);
  Result<Answer> list_objects_v1(const model::Call& call);
  Result<Answer> list_object_versions(const model::Call& call);

  // bucket_notification.cc
  void put_bucket_notification(model::Call& call, const model::Responder& responder);
  Result<Answer> get_bucket_notification(const model::Call& call);

  Parts parts_;
  blob::BlobStore blobs_;
  Garbage garbage_;
  BucketDocuments documents_;
  std::atomic<uint64_t> sequencer_ = 0;
  const std::function<uint64_t()> next_sequence_ = [this] { return next_sequencer(); };
};

}  // namespace gust::s3
