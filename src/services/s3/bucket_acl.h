// SPDX-License-Identifier: Apache-2.0

#pragma once

// Access control lists in their minimal form: every bucket and object has one grant, FULL_CONTROL of the bucket's owner.
// ACLs are off (BucketOwnerEnforced) until the bucket's ownership controls turn them on; then the lists that say just that
// can be put. What would let anybody else in is refused: by the public access block as on AWS, else by name.

#include <string_view>

#include "base/result.h"
#include "base/value.h"
#include "services/s3/bucket_access.h"
#include "store/store.h"

namespace gust::s3 {

enum class AclsAre { Off, On };
// ObjectOwnership of the bucket; Off without a row.
Result<AclsAre> acls_of(store::View& view, std::string_view bucket);

// `input`: ACL, Grant* and AccessControlPolicy of an operation that writes a bucket or an object or its list.
enum class AclUse {
  WithObject,  // PutObject and the like: no list, "private" and "bucket-owner-full-control" are always fine
  PutList,     // PutBucketAcl, PutObjectAcl: while ACLs are off, only what grants the owner full control is
};
struct AclRequest {
  const Value& input;
  std::string_view operation, account;
  AclUse use;
};
Result<Problem> check_acl(store::View& view, std::string_view bucket, const AclRequest& request);

// Members of GetBucketAcl's and GetObjectAcl's answer.
Value acl_of(std::string_view account);

}  // namespace gust::s3
