# SPDX-License-Identifier: Apache-2.0
"""IAM as boto3 sees it: users, keys, groups, roles, policies. Would pass on AWS (names are unique, all is removed again)."""
import json
import os

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError
from lambda_tools import client, unique

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::bucket/*"}],
}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture(scope="module")
def iam():
    return client("iam")


@pytest.fixture
def role(iam):
    name = unique("role")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), Path="/tests/")["Role"]
    yield made
    try:
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        pass


@pytest.fixture
def user(iam):
    name = unique("user")
    yield iam.create_user(UserName=name)["User"]
    try:
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)
    except iam.exceptions.NoSuchEntityException:
        pass


def refused(code, message, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert error["Error"]["Code"] == code, error
    if message is not None:
        assert error["Error"]["Message"] == message
    return error["ResponseMetadata"]["HTTPStatusCode"]


def test_a_role_comes_back_as_it_was_made(iam, role):
    assert role["Arn"].endswith(f":role/tests/{role['RoleName']}")
    assert role["RoleId"].startswith("AROA") and len(role["RoleId"]) == 21
    assert role["AssumeRolePolicyDocument"] == TRUST
    shown = iam.get_role(RoleName=role["RoleName"])["Role"]
    assert shown["Arn"] == role["Arn"] and shown["AssumeRolePolicyDocument"] == TRUST
    assert shown["MaxSessionDuration"] == 3600 and "Description" not in shown and shown["RoleLastUsed"] == {}
    assert shown["CreateDate"].tzinfo is not None
    iam.get_waiter("role_exists").wait(RoleName=role["RoleName"])
    assert role["Arn"] in [r["Arn"] for page in iam.get_paginator("list_roles").paginate(PathPrefix="/tests/") for r in page["Roles"]]


def test_a_role_is_updated(iam, role):
    name = role["RoleName"]
    iam.update_role(RoleName=name, Description="new", MaxSessionDuration=43200)
    changed = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"AWS": "*"}}]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(changed))
    shown = iam.get_role(RoleName=name)["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("new", 43200)
    assert shown["AssumeRolePolicyDocument"] == changed
    assert iam.update_role_description(RoleName=name, Description="other")["Role"]["Description"] == "other"


def test_errors_are_in_iams_words(iam, role, user):
    name = unique("none")
    status = refused("NoSuchEntity", f"The role with name {name} cannot be found.", iam.get_role, RoleName=name)
    assert status == 404
    refused("NoSuchEntity", f"The user with name {name} cannot be found.", iam.get_user, UserName=name)
    status = refused("EntityAlreadyExists", f"Role with name {role['RoleName']} already exists.", iam.create_role,
                     RoleName=role["RoleName"], AssumeRolePolicyDocument=json.dumps(TRUST))
    assert status == 409
    refused("EntityAlreadyExists", f"User with name {user['UserName']} already exists.", iam.create_user, UserName=user["UserName"])
    refused("NoSuchEntity", f"The role policy with name {name} cannot be found.", iam.get_role_policy, RoleName=role["RoleName"],
            PolicyName=name)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_policy(PolicyArn=f"arn:aws:iam::aws:policy/{name}")


def test_names_and_durations_are_bounded(role):
    iam = boto3.client("iam", endpoint_url=os.environ["GUST_ENDPOINT"], region_name="us-east-1",
                       aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
                       aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
                       config=botocore.config.Config(parameter_validation=False, retries={"max_attempts": 1}))
    for bad in ("with space", "slash/", "x" * 65):
        assert refused("ValidationError", None, iam.create_role, RoleName=bad, AssumeRolePolicyDocument=json.dumps(TRUST)) == 400
    for bad in (3599, 43201):
        refused("ValidationError", None, iam.update_role, RoleName=role["RoleName"], MaxSessionDuration=bad)
    refused("ValidationError", None, iam.list_roles, MaxItems=1001)
    refused("ValidationError", None, iam.create_role, RoleName=unique("r"), Path="no-slash", AssumeRolePolicyDocument=json.dumps(TRUST))


@pytest.mark.parametrize("document", ["{", "[]", '{"Version":"2012-10-17"}', json.dumps({**TRUST, "Version": "2011-01-01"}),
                                      json.dumps({**TRUST, "Statement": [{**TRUST["Statement"][0], "Resource": "*"}]}),
                                      json.dumps({**TRUST, "Statement": [{**TRUST["Statement"][0], "Effect": "allow"}]}),
                                      json.dumps({**TRUST, "Statement": [{**TRUST["Statement"][0], "Action": "s3:*"}]}),
                                      json.dumps({**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"AWS": "bob"}}]})])
def test_a_trust_policy_must_be_one(iam, document):
    name = unique("role")
    refused("MalformedPolicyDocument", None, iam.create_role, RoleName=name, AssumeRolePolicyDocument=document)
    refused("NoSuchEntity", None, iam.get_role, RoleName=name)


def test_inline_policies(iam, role):
    name = role["RoleName"]
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=json.dumps(DOCUMENT))
    iam.put_role_policy(RoleName=name, PolicyName="two", PolicyDocument=json.dumps(DOCUMENT))
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["one", "two"]
    shown = iam.get_role_policy(RoleName=name, PolicyName="one")
    assert (shown["RoleName"], shown["PolicyName"], shown["PolicyDocument"]) == (name, "one", DOCUMENT)
    refused("DeleteConflict", "Cannot delete entity, must delete policies first.", iam.delete_role, RoleName=name)
    refused("MalformedPolicyDocument", None, iam.put_role_policy, RoleName=name, PolicyName="x",
            PolicyDocument=json.dumps({**DOCUMENT, "Statement": [{"Effect": "Allow", "Action": "s3:*"}]}))
    iam.delete_role_policy(RoleName=name, PolicyName="two")
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["one"]


def test_an_aws_managed_policy_is_attached(iam, role):
    name = role["RoleName"]
    iam.attach_role_policy(RoleName=name, PolicyArn=BASIC)
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == [
        {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}]
    policy = iam.get_policy(PolicyArn=BASIC)["Policy"]
    document = iam.get_policy_version(PolicyArn=BASIC, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
    actions = [a for s in document["Statement"] for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])]
    assert "logs:PutLogEvents" in actions
    refused("DeleteConflict", "Cannot delete entity, must detach all policies first.", iam.delete_role, RoleName=name)
    iam.detach_role_policy(RoleName=name, PolicyArn=BASIC)
    refused("NoSuchEntity", f"Policy {BASIC} was not found.", iam.detach_role_policy, RoleName=name, PolicyArn=BASIC)


@pytest.mark.parametrize("name", ["service-role/AWSLambdaSQSQueueExecutionRole", "service-role/AWSLambdaDynamoDBExecutionRole",
                                  "service-role/AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess", "AmazonS3ReadOnlyAccess",
                                  "AmazonS3FullAccess", "AmazonDynamoDBFullAccess", "AdministratorAccess", "PowerUserAccess",
                                  "ReadOnlyAccess", "CloudWatchLogsFullAccess"])
def test_aws_managed_policies_are_known(iam, name):
    policy = iam.get_policy(PolicyArn=f"arn:aws:iam::aws:policy/{name}")["Policy"]
    assert policy["PolicyName"] == name.rsplit("/", 1)[-1]
    version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert version["IsDefaultVersion"] and version["Document"]["Version"] == "2012-10-17"


def test_a_managed_policy_and_its_versions(iam, role):
    arn = iam.create_policy(PolicyName=unique("policy"), Path="/tests/", PolicyDocument=json.dumps(DOCUMENT), Description="d",
                            Tags=[{"Key": "a", "Value": "b"}])["Policy"]["Arn"]
    try:
        shown = iam.get_policy(PolicyArn=arn)["Policy"]
        assert (shown["DefaultVersionId"], shown["AttachmentCount"], shown["Description"]) == ("v1", 0, "d")
        assert shown["Tags"] == [{"Key": "a", "Value": "b"}]
        for _ in range(4):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(DOCUMENT), SetAsDefault=True)
        refused("LimitExceeded", None, iam.create_policy_version, PolicyArn=arn, PolicyDocument=json.dumps(DOCUMENT))
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        assert [v["VersionId"] for v in versions] == ["v5", "v4", "v3", "v2", "v1"]
        assert [v["IsDefaultVersion"] for v in versions] == [True, False, False, False, False]
        refused("DeleteConflict", "Cannot delete the default version of a policy.", iam.delete_policy_version, PolicyArn=arn,
                VersionId="v5")
        iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
        for version in ("v2", "v3", "v4", "v5"):
            iam.delete_policy_version(PolicyArn=arn, VersionId=version)
        iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
        assert [r["RoleName"] for r in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == [role["RoleName"]]
        assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
        assert arn in [p["Arn"] for p in iam.list_policies(Scope="Local", PathPrefix="/tests/", OnlyAttached=True)["Policies"]]
        refused("DeleteConflict", "Cannot delete a policy attached to entities.", iam.delete_policy, PolicyArn=arn)
        iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
    finally:
        iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", f"Policy {arn} was not found.", iam.get_policy, PolicyArn=arn)


def test_tags(iam, role):
    name = role["RoleName"]
    iam.tag_role(RoleName=name, Tags=[{"Key": "Team", "Value": "a"}, {"Key": "env", "Value": ""}])
    iam.tag_role(RoleName=name, Tags=[{"Key": "Team", "Value": "b"}])
    assert {t["Key"]: t["Value"] for t in iam.list_role_tags(RoleName=name)["Tags"]} == {"Team": "b", "env": ""}
    refused("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.", iam.tag_role, RoleName=name,
            Tags=[{"Key": "k", "Value": "1"}, {"Key": "K", "Value": "2"}])
    iam.untag_role(RoleName=name, TagKeys=["Team"])
    assert iam.get_role(RoleName=name)["Role"]["Tags"] == [{"Key": "env", "Value": ""}]


def test_pages(iam):
    names = sorted(unique("page") for _ in range(5))
    for name in names:
        iam.create_user(UserName=name, Path="/pages/")
    try:
        first = iam.list_users(PathPrefix="/pages/", MaxItems=2)
        assert first["IsTruncated"] and len(first["Users"]) == 2 and first["Marker"]
        pages = list(iam.get_paginator("list_users").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 2}))
        assert [len(p["Users"]) for p in pages] == [2, 2, 1]
        assert [u["UserName"] for p in pages for u in p["Users"]] == names
    finally:
        for name in names:
            iam.delete_user(UserName=name)


def test_a_users_access_keys(iam, user):
    name = user["UserName"]
    assert user["UserId"].startswith("AIDA")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA") and len(key["SecretAccessKey"]) == 40 and key["Status"] == "Active"
    iam.create_access_key(UserName=name)
    refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", iam.create_access_key, UserName=name)
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    listed = {k["AccessKeyId"]: k for k in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]}
    assert len(listed) == 2 and listed[key["AccessKeyId"]]["Status"] == "Inactive"
    assert "SecretAccessKey" not in listed[key["AccessKeyId"]]
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert used["UserName"] == name and used["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    refused("DeleteConflict", None, iam.delete_user, UserName=name)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    refused("NoSuchEntity", None, iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])


def test_groups(iam, user):
    group = unique("group")
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user["UserName"])
    assert [u["UserName"] for u in iam.get_group(GroupName=group)["Users"]] == [user["UserName"]]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName=user["UserName"])["Groups"]] == [group]
    refused("DeleteConflict", None, iam.delete_group, GroupName=group)
    iam.remove_user_from_group(GroupName=group, UserName=user["UserName"])
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=json.dumps(DOCUMENT))
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    iam.delete_group(GroupName=group)


def test_what_terraform_reads_of_a_role(iam, role):
    name = role["RoleName"]
    assert iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"] == []
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    iam.delete_role(RoleName=name)
    refused("NoSuchEntity", f"The role with name {name} cannot be found.", iam.get_role, RoleName=name)


def test_instance_profiles(iam, role):
    name = unique("profile")
    iam.create_instance_profile(InstanceProfileName=name)
    try:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
        shown = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        assert [r["RoleName"] for r in shown["Roles"]] == [role["RoleName"]]
        refused("DeleteConflict", None, iam.delete_role, RoleName=role["RoleName"])
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
    finally:
        iam.delete_instance_profile(InstanceProfileName=name)
