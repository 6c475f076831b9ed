# SPDX-License-Identifier: Apache-2.0
"""Configuration documents of buckets as boto3 sees them: what a new bucket answers, what is kept, what is refused and how."""
import http.client
import json
import os
import urllib.parse
import xml.etree.ElementTree

import botocore.exceptions
import pytest

from lambda_tools import client, unique

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@pytest.fixture(scope="module")
def s3():
    return client("s3")


@pytest.fixture
def bucket(s3):
    name = unique("d")
    s3.create_bucket(Bucket=name)
    yield name
    s3.delete_bucket(Bucket=name)


def error(call, *args, **kwargs):
    """(code, HTTP status, the whole error) of a call that must fail."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*args, **kwargs)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]


def refused(call, code, status=400, message=None, **kwargs):
    got = error(call, **kwargs)
    assert got[:2] == (code, status), got
    if message is not None:
        assert got[2]["Message"] == message
    return got[2]


def policy(bucket, action="s3:GetObject", principal="*", resource=None, effect="Allow", **more):
    statement = {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource or f"arn:aws:s3:::{bucket}/*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def block(s3, bucket, on):
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={b: on for b in BLOCKS})


# ---- what a new bucket answers


def test_a_fresh_bucket_reads_as_terraform_reads_it(s3, bucket):
    absent = {
        "get_bucket_policy": "NoSuchBucketPolicy",
        "get_bucket_cors": "NoSuchCORSConfiguration",
        "get_bucket_website": "NoSuchWebsiteConfiguration",
        "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_bucket_replication": "ReplicationConfigurationNotFoundError",
        "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
        "get_bucket_tagging": "NoSuchTagSet",
    }
    for operation, code in absent.items():
        e = refused(getattr(s3, operation), code, 404, Bucket=bucket)
        assert e["BucketName"] == bucket and e["Message"]
    head = s3.head_bucket(Bucket=bucket)
    assert head["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert [(g["Grantee"]["ID"], g["Grantee"]["Type"], g["Permission"]) for g in acl["Grants"]] == [
        (acl["Owner"]["ID"], "CanonicalUser", "FULL_CONTROL")]
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"} and rule["BucketKeyEnabled"] is False
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {b: True for b in BLOCKS}
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


def test_lists_of_configurations_are_empty(s3, bucket):
    for kind in ("analytics", "inventory", "metrics", "intelligent_tiering"):
        answer = getattr(s3, f"list_bucket_{kind}_configurations")(Bucket=bucket)
        assert answer["IsTruncated"] is False
        refused(getattr(s3, f"get_bucket_{kind}_configuration"), "NoSuchConfiguration", 404, Bucket=bucket, Id="none")


def test_documents_of_no_bucket(s3):
    name = unique("none")
    for operation in ("get_bucket_policy", "get_bucket_acl", "get_bucket_encryption", "delete_bucket_cors", "get_public_access_block"):
        e = refused(getattr(s3, operation), "NoSuchBucket", 404, "The specified bucket does not exist", Bucket=name)
        assert e["BucketName"] == name


def test_another_owner_is_expected(s3, bucket):
    refused(s3.get_bucket_acl, "AccessDenied", 403, Bucket=bucket, ExpectedBucketOwner="111111111111")
    refused(s3.put_bucket_policy, "AccessDenied", 403, Bucket=bucket, Policy=policy(bucket), ExpectedBucketOwner="111111111111")


def test_documents_end_with_their_bucket(s3):
    name = unique("d")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_public_access_block(Bucket=name)
    s3.delete_bucket(Bucket=name)
    s3.create_bucket(Bucket=name)
    refused(s3.get_bucket_tagging, "NoSuchTagSet", 404, Bucket=name)
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    s3.delete_bucket(Bucket=name)


# ---- tags, encryption, ownership, public access block


def test_tags_are_kept_and_replaced(s3, bucket):
    first = [{"Key": "team", "Value": "blue"}, {"Key": "Käse + a:b/c=d@e", "Value": ""}]
    assert s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": first})["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == first
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": first[:1]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == first[:1]
    s3.delete_bucket_tagging(Bucket=bucket)
    s3.delete_bucket_tagging(Bucket=bucket)
    refused(s3.get_bucket_tagging, "NoSuchTagSet", 404, "The TagSet does not exist", Bucket=bucket)


def test_tags_that_are_refused(s3, bucket):
    def put(*tags):
        return dict(Bucket=bucket, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags]})

    s3.put_bucket_tagging(**put(("k" * 128, "v" * 256)))
    refused(s3.put_bucket_tagging, "InvalidTag", 400, "Cannot provide multiple Tags with the same key", **put(("a", "1"), ("a", "2")))
    refused(s3.put_bucket_tagging, "InvalidTag", 400, "System tags cannot be added/updated by requester", **put(("aws:a", "1")))
    refused(s3.put_bucket_tagging, "InvalidTag", 400, "The TagKey you have provided is invalid", **put(("a?", "1")))
    refused(s3.put_bucket_tagging, "InvalidTag", 400, "The TagValue you have provided is invalid", **put(("a", "v" * 257)))
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "k" * 128, "Value": "v" * 256}]


def test_encryption_is_chosen_and_reset(s3, bucket):
    def put(**by_default):
        return dict(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]})

    s3.put_bucket_encryption(**put(SSEAlgorithm="aws:kms", KMSMasterKeyID="alias/a-key"))
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/a-key"}
    e = refused(s3.put_bucket_encryption, "InvalidArgument", 400,
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
                **put(SSEAlgorithm="AES256", KMSMasterKeyID="alias/a-key"))
    assert e["ArgumentName"] == "ApplyServerSideEncryptionByDefault"
    refused(s3.put_bucket_encryption, "MalformedXML", **put(SSEAlgorithm="ROT13"))
    s3.delete_bucket_encryption(Bucket=bucket)
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_ownership_controls(s3, bucket):
    def put(*values):
        return dict(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": v} for v in values]})

    s3.put_bucket_ownership_controls(**put("ObjectWriter"))
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "ObjectWriter"}]
    refused(s3.put_bucket_ownership_controls, "MalformedXML", **put("Nobody"))
    refused(s3.put_bucket_ownership_controls, "MalformedXML", **put("ObjectWriter", "BucketOwnerPreferred"))
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    refused(s3.get_bucket_ownership_controls, "OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found", Bucket=bucket)


def test_public_access_block(s3, bucket):
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {b: b == "BlockPublicAcls" for b in BLOCKS}
    refused(s3.put_public_access_block, "InvalidRequest", 400, "Must specify at least one configuration.", Bucket=bucket, PublicAccessBlockConfiguration={})
    s3.delete_public_access_block(Bucket=bucket)
    refused(s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found", Bucket=bucket)


# ---- ACLs


def test_acls_are_off_in_a_new_bucket(s3, bucket):
    for acl in ("private", "public-read"):
        refused(s3.put_bucket_acl, "AccessControlListNotSupported", 400, "The bucket does not allow ACLs", Bucket=bucket, ACL=acl)
    own = s3.get_bucket_acl(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": own["Owner"], "Grants": own["Grants"]})


def test_acls_of_the_owner_when_they_are_on(s3, bucket):
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    refused(s3.put_bucket_acl, "AccessDenied", 403, Bucket=bucket, ACL="public-read")
    assert len(s3.get_bucket_acl(Bucket=bucket)["Grants"]) == 1


def test_the_acl_of_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    try:
        acl = s3.get_object_acl(Bucket=bucket, Key="k")
        assert [g["Permission"] for g in acl["Grants"]] == ["FULL_CONTROL"]
        assert acl["Owner"] == s3.get_bucket_acl(Bucket=bucket)["Owner"]
        s3.put_object_acl(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
        refused(s3.put_object_acl, "AccessControlListNotSupported", 400, "The bucket does not allow ACLs", Bucket=bucket, Key="k", ACL="public-read")
        refused(s3.get_object_acl, "NoSuchKey", 404, Bucket=bucket, Key="other")
    finally:
        s3.delete_object(Bucket=bucket, Key="k")


# ---- CORS


def test_cors_is_kept_and_deleted(s3, bucket):
    rules = [{"ID": "one", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["*"],
              "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 3000}, {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    s3.delete_bucket_cors(Bucket=bucket)
    s3.delete_bucket_cors(Bucket=bucket)
    refused(s3.get_bucket_cors, "NoSuchCORSConfiguration", 404, "The CORS configuration does not exist", Bucket=bucket)


def test_cors_that_is_refused(s3, bucket):
    def put(rules=1, **more):
        rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], **more}
        return dict(Bucket=bucket, CORSConfiguration={"CORSRules": [rule] * rules})

    s3.put_bucket_cors(**put(100))
    refused(s3.put_bucket_cors, "InvalidRequest", **put(101))
    refused(s3.put_bucket_cors, "InvalidRequest", 400, "Found unsupported HTTP method in CORS config. Unsupported method is PATCH",
            **put(AllowedMethods=["PATCH"]))
    refused(s3.put_bucket_cors, "InvalidRequest", 400, 'AllowedOrigin "*a*" can not have more than one wildcard.', **put(AllowedOrigins=["*a*"]))
    refused(s3.put_bucket_cors, "InvalidRequest", **put(ExposeHeaders=["x-*"]))
    refused(s3.put_bucket_cors, "MalformedXML", Bucket=bucket, CORSConfiguration={"CORSRules": []})
    assert len(s3.get_bucket_cors(Bucket=bucket)["CORSRules"]) == 100


def preflight(bucket, origin="https://app.example.com", method="PUT", headers=None):
    """(status, headers, code and message) of the question that a browser asks before a page's request."""
    endpoint = urllib.parse.urlsplit(os.environ["GUST_ENDPOINT"])
    connection = (http.client.HTTPSConnection if endpoint.scheme == "https" else http.client.HTTPConnection)(endpoint.netloc, timeout=60)
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    try:
        connection.request("OPTIONS", f"/{bucket}/key", headers={k: v for k, v in asked.items() if v is not None})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    refusal = xml.etree.ElementTree.fromstring(body) if body else None
    return answer.status, answer.headers, (refusal.findtext("Code"), refusal.findtext("Message")) if body else None


def test_preflights(s3, bucket):
    assert preflight(unique("none"))[::2] == (403, ("AccessForbidden", "CORSResponse: Bucket not found"))
    assert preflight(bucket)[::2] == (403, ("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket."))
    rule = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["content-*"], "MaxAgeSeconds": 60}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers, _ = preflight(bucket, headers="Content-Type")
    assert status == 200 and headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert headers["Access-Control-Allow-Methods"] == "PUT" and headers["Access-Control-Allow-Headers"].lower() == "content-type"
    assert headers["Access-Control-Max-Age"] == "60" and headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Vary"] == "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
    for other in (dict(headers="x-other"), dict(method="DELETE"), dict(origin="https://example.org")):
        status, _, (code, message) = preflight(bucket, **other)
        assert (status, code) == (403, "AccessForbidden") and message.startswith("CORSResponse: This CORS request is not allowed.")
    assert preflight(bucket, method=None)[0] == 400


# ---- lifecycle


def test_lifecycle_is_kept_and_given_back(s3, bucket):
    rules = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 365},
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
             {"ID": "logs", "Status": "Disabled", "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}},
              "Expiration": {"Days": 30}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    refused(s3.put_bucket_lifecycle_configuration, "InvalidRequest", 400, "At least one action needs to be specified in a rule", Bucket=bucket,
            LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}}]})
    refused(s3.put_bucket_lifecycle_configuration, "InvalidArgument", 400, "'Days' for Expiration action must be a positive integer", Bucket=bucket,
            LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 0}}]})
    s3.delete_bucket_lifecycle(Bucket=bucket)
    refused(s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration", 404, Bucket=bucket)


# ---- policies


def test_a_policy_is_kept(s3, bucket):
    text = policy(bucket, action="s3:*", resource=[f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"], effect="Deny",
                  Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert s3.put_bucket_policy(Bucket=bucket, Policy=text)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(text)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    refused(s3.get_bucket_policy, "NoSuchBucketPolicy", 404, "The bucket policy does not exist", Bucket=bucket)
    refused(s3.get_bucket_policy_status, "NoSuchBucketPolicy", 404, Bucket=bucket)


def test_a_public_policy_needs_an_open_bucket(s3, bucket):
    e = refused(s3.put_bucket_policy, "AccessDenied", 403, Bucket=bucket, Policy=policy(bucket))
    assert "BlockPublicPolicy" in e["Message"]
    block(s3, bucket, False)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}


@pytest.mark.parametrize("text,message", [
    ("no json", "Policies must be valid JSON and the first byte must be '{'"),
    ('{"Version":', "This policy contains invalid Json"),
    ('{"Version":"2012-10-17"}', "Missing required field Statement"),
    ('{"Version":"2012-10-17","Statement":[]}', "Could not parse the policy: Statement is empty!"),
    ('{"Version":"1","Statement":[]}', "The policy must contain a valid version string"),
])
def test_texts_that_are_no_policies(s3, bucket, text, message):
    refused(s3.put_bucket_policy, "MalformedPolicy", 400, message, Bucket=bucket, Policy=text)


def test_policies_that_are_refused(s3, bucket):
    def put(**changes):
        return dict(Bucket=bucket, Policy=policy(bucket, **{"principal": {"AWS": "*"}, "effect": "Deny", **changes}))

    s3.put_bucket_policy(**put())
    refused(s3.put_bucket_policy, "MalformedPolicy", 400, "Invalid principal in policy", **put(principal={"AWS": "nobody"}))
    refused(s3.put_bucket_policy, "MalformedPolicy", 400, "Policy has invalid action", **put(action="ec2:RunInstances"))
    refused(s3.put_bucket_policy, "MalformedPolicy", 400, "Policy has invalid resource", **put(resource="arn:aws:s3:::another-bucket/*"))
    refused(s3.put_bucket_policy, "MalformedPolicy", 400, "Action does not apply to any resource(s) in statement", **put(action="s3:ListBucket"))


# ---- what has no effect here is refused by name


def test_documents_without_an_effect_are_refused(s3, bucket):
    refused(s3.put_bucket_website, "NotImplemented", 501, Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    refused(s3.put_bucket_request_payment, "NotImplemented", 501, Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})
