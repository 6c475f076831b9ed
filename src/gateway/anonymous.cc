// SPDX-License-Identifier: Apache-2.0

#include "gateway/anonymous.h"

namespace gust::gateway {
namespace {

// "Actions, resources, and condition keys for Amazon S3", Service Authorization Reference.
struct Row {
  std::string_view operation, action, version_action;
};
constexpr Row kRows[] = {
    {"AbortMultipartUpload", "s3:AbortMultipartUpload", {}},
    {"CompleteMultipartUpload", "s3:PutObject", {}},
    {"CreateMultipartUpload", "s3:PutObject", {}},
    {"DeleteObject", "s3:DeleteObject", "s3:DeleteObjectVersion"},
    {"DeleteObjectTagging", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"},
    {"GetBucketAcl", "s3:GetBucketAcl", {}},
    {"GetBucketCors", "s3:GetBucketCORS", {}},
    {"GetBucketLocation", "s3:GetBucketLocation", {}},
    {"GetBucketTagging", "s3:GetBucketTagging", {}},
    {"GetBucketVersioning", "s3:GetBucketVersioning", {}},
    {"GetObject", "s3:GetObject", "s3:GetObjectVersion"},
    {"GetObjectAcl", "s3:GetObjectAcl", "s3:GetObjectVersionAcl"},
    {"GetObjectAttributes", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"},
    {"GetObjectTagging", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"},
    {"HeadBucket", "s3:ListBucket", {}},
    {"HeadObject", "s3:GetObject", "s3:GetObjectVersion"},
    {"ListMultipartUploads", "s3:ListBucketMultipartUploads", {}},
    {"ListObjectVersions", "s3:ListBucketVersions", {}},
    {"ListObjects", "s3:ListBucket", {}},
    {"ListObjectsV2", "s3:ListBucket", {}},
    {"ListParts", "s3:ListMultipartUploadParts", {}},
    {"PutObject", "s3:PutObject", {}},
    {"PutObjectTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
    {"UploadPart", "s3:PutObject", {}},
};

}  // namespace

std::string_view public_action(std::string_view operation, bool version) {
  for (const Row& row : kRows) {
    if (row.operation == operation) return version && !row.version_action.empty() ? row.version_action : row.action;
  }
  return {};
}

}  // namespace gust::gateway
