#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/model/tables/*.cc from botocore's service models.

The tables hold facts only (names, members, constraints, routes), no documentation text. botocore's version and the
digest of every model are pinned in PIN beside this file; a different one is refused, so that two people who run this get
the same bytes. `generate.py --pin` writes PIN anew after a deliberate change of version; `--check` writes nothing and
fails where the committed tables differ (check.sh does it with the pinned version in a virtual environment of its own).
As a module: table_text() is the source of one table of any model (tests/protocol).
"""

import gzip
import hashlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent.parent / "src" / "model" / "tables"
SERVICES = [  # our id (botocore's directory), version
    ("lambda", "2015-03-31"),
    ("s3", "2006-03-01"),
    ("dynamodb", "2012-08-10"),
    ("dynamodbstreams", "2012-08-10"),
    ("sqs", "2012-11-05"),
    ("sns", "2010-03-31"),
    ("logs", "2014-03-28"),
    ("cloudwatch", "2010-08-01"),
    ("events", "2015-10-07"),
    ("scheduler", "2021-06-30"),
    ("cloudformation", "2010-05-15"),
    ("iam", "2010-05-08"),
    ("sts", "2011-06-15"),
    ("ssm", "2014-11-06"),
    ("secretsmanager", "2017-10-17"),
    ("kms", "2014-11-01"),
    ("ecr", "2015-09-21"),
    ("ec2", "2016-11-15"),
    ("autoscaling", "2011-01-01"),
]
# Namespaces before an error code in __type: of the service's own errors.
ERROR_NAMESPACE = {"dynamodb": "com.amazonaws.dynamodb.v20120810#", "dynamodbstreams": "com.amazonaws.dynamodb.v20120810#",
                   "sqs": "com.amazonaws.sqs#", "cloudwatch": "com.amazonaws.cloudwatch#"}
# Protocols of a service in our order (the first is what handlers' error codes are spelled in) where the model does not tell.
PROTOCOLS = {"sqs": ["json", "query"], "cloudwatch": ["json", "query", "smithy-rpc-v2-cbor"]}
XMLNS = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/", "sqs": "http://queue.amazonaws.com/doc/2012-11-05/"}
# SQS's model lost the names of its older protocol (SQS API reference, "Making Query API requests"): lists and maps are flat
# there and called by their element. Those of maps' keys and values, of members, and of errors.
SQS_KEYS = {"QueueAttributeMap": "Name", "MessageSystemAttributeMap": "Name", "MessageBodyAttributeMap": "Name",
            "MessageBodySystemAttributeMap": "Name", "TagMap": "Key"}
FORM_NAMES = {
    "sqs": {
        "AWSAccountIds": "AWSAccountId", "Actions": "ActionName", "AttributeNames": "AttributeName", "Attributes": "Attribute",
        "MessageAttributes": "MessageAttribute", "MessageSystemAttributes": "MessageSystemAttribute",
        "MessageAttributeNames": "MessageAttributeName", "MessageSystemAttributeNames": "MessageSystemAttributeName",
        "StringListValues": "StringListValue", "BinaryListValues": "BinaryListValue", "Messages": "Message",
        "QueueUrls": "QueueUrl", "queueUrls": "QueueUrl", "TagKeys": "TagKey", "Tags": "Tag", "tags": "Tag",
        "Failed": "BatchResultErrorEntry", "Results": "ListMessageMoveTasksResultEntry",
    },
}
FORM_ERRORS = {
    "sqs": {
        "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue", "QueueNameExists": "QueueAlreadyExists",
        "KmsAccessDenied": "KMS.AccessDeniedException", "KmsDisabled": "KMS.DisabledException",
        "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException", "KmsInvalidState": "KMS.InvalidStateException",
        "KmsNotFound": "KMS.NotFoundException", "KmsOptInRequired": "KMS.OptInRequired",
        "KmsThrottled": "KMS.ThrottlingException",
        **{name: "AWS.SimpleQueueService." + name for name in (
            "BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId", "MessageNotInflight",
            "PurgeQueueInProgress", "QueueDeletedRecently", "TooManyEntriesInBatchRequest", "UnsupportedOperation")},
    },
}
# S3's answers have root elements that the model does not tell (S3 API reference, "Response Syntax").
ROOTS = {
    "ListBuckets": "ListAllMyBucketsResult", "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListObjects": "ListBucketResult", "ListObjectsV2": "ListBucketResult", "ListObjectVersions": "ListVersionsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult", "ListParts": "ListPartsResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult", "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "DeleteObjects": "DeleteResult", "GetBucketAcl": "AccessControlPolicy", "GetObjectAcl": "AccessControlPolicy",
    "GetBucketLocation": "LocationConstraint", "GetBucketTagging": "Tagging", "GetObjectTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration", "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration", "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration", "GetBucketWebsite": "WebsiteConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration", "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
}
UNWRAPPED = {"GetBucketLocation"}  # the output's only member is the root's text
# Enumerations that AWS takes in any case ("Prefix" beside "prefix") though the model lists one; the service checks them.
LENIENT_ENUMS = {"s3": {"FilterRuleName"}}
# DynamoDB's texts list some enumerations in another order than its model.
ENUM_ORDER = {
    "dynamodb": {
        "ComparisonOperator": ["IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE",
                               "CONTAINS"],
        "ReturnValue": ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"],
        "Select": ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"],
        "ConditionalOperator": ["OR", "AND"],
        "ScalarAttributeType": ["B", "N", "S"],
        "ProjectionType": ["ALL", "INCLUDE", "KEYS_ONLY"],
    },
}
# Look-around, which the pattern engine (RE2) has not: (what must match whole, what must not match whole).
REWRITES = {
    r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)": (r"[a-zA-Z0-9-_]+", r"[0-9]+"),
    r"((?!^\d+$)^[0-9a-zA-Z-_]+$)": (r"[0-9a-zA-Z-_]+", r"\d+"),
    r"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)": (r"[_a-zA-Z0-9][^$]*", r"system\.(?s:.*)"),
    r"[0-9A-Za-z\.\-_]*(?<!\.)": (r"[0-9A-Za-z\.\-_]*", r"(?s:.*)\."),
    r"^(?!\s*$).+": (r".+", r"\s*"),
    r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$": (r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", r".*--.*"),
    r"^(?=.{20,2048}$)arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[a-zA-Z0-9/_+=.@-]+":
        (r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[a-zA-Z0-9/_+=.@-]+", ""),
    r"^(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)$":
        (r"[/\.\-_A-Za-z0-9].*|\$(\.[\w_-]+(\[(\d+|\*)\])*)*", r"aws\..*"),
    # ISO 8601, without the rule that separators are used throughout or not at all.
    r"^([\-]?\d{4}(?!\d{2}\b))((-?)((0[1-9]|1[0-2])(\3([12]\d|0[1-9]|3[01]))?|W([0-4]\d|5[0-2])(-?[1-7])?|(00[1-9]|0[1-9]\d|"
    r"[12]\d{2}|3([0-5]\d|6[1-6])))([T\s]((([01]\d|2[0-3])((:?)[0-5]\d)?|24\:?00)([\.,]\d(?!:))?)?(\17[0-5]\d([\.,]\d)?)?([zZ]|([\-])"
    r"([01]\d|2[0-3]):?([0-5]\d)?)?)?)?$":
        (r"-?\d{4}(-?((0[1-9]|1[0-2])(-?([12]\d|0[1-9]|3[01]))?|W([0-4]\d|5[0-2])(-?[1-7])?|00[1-9]|0[1-9]\d|[12]\d{2}|"
         r"3([0-5]\d|6[1-6]))([T\s]((([01]\d|2[0-3])(:?[0-5]\d)?|24:?00)([\.,]\d)?)?(:?[0-5]\d([\.,]\d)?)?([zZ]|-([01]\d|2[0-3])"
         r":?([0-5]\d)?)?)?)?", ""),
    # Surrogates as Java writes what lies above U+FFFF.
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*":
        (r"[\x{20}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}\r\n\t]*", ""),
    r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+":
        (r"[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{85}\x{A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+", ""),
}
KINDS = {"structure": "Structure", "list": "List", "map": "Map", "string": "String", "character": "String",
         "integer": "Integer", "long": "Long", "float": "Double", "double": "Double", "boolean": "Boolean",
         "blob": "Blob", "timestamp": "Timestamp"}
PROTOCOL_NAMES = {"rest-json": "RestJson", "rest-xml": "RestXml", "query": "Query", "ec2": "Ec2", "smithy-rpc-v2-cbor": "Cbor"}
LOCATIONS = {None: "Body", "header": "Header", "headers": "Headers", "uri": "Uri", "querystring": "Query",
             "statusCode": "StatusCode"}
TIMES = {None: "Default", "iso8601": "Iso8601", "rfc822": "Rfc822", "unixTimestamp": "Unix"}
NONE = 0xFFFF


def fail(text):
    sys.exit(f"generate.py: {text}")


def load_models():
    try:
        import botocore
    except ImportError:
        fail("botocore is not installed; install the version that tools/model/PIN names")
    root = pathlib.Path(botocore.__file__).parent / "data"
    digests = {"botocore": botocore.__version__}
    models = {}
    for sid, version in SERVICES:
        path = root / sid / version / "service-2.json"
        packed = path.with_suffix(".json.gz")
        raw = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
        digests[sid] = hashlib.sha256(raw).hexdigest()
        models[sid] = json.loads(raw)
    pin = HERE / "PIN"
    pinned = dict(line.split() for line in pin.read_text().splitlines() if line and not line.startswith("#"))
    if "--pin" in sys.argv:
        if pinned.get("botocore") == digests["botocore"]:
            digests["archive"] = pinned["archive"]  # of the source archive, which botocore.sh checks
        pin.write_text("".join(f"{k} {v}\n" for k, v in digests.items()))
        pinned = digests
    for key, value in digests.items():
        if pinned.get(key) != value:
            fail(f"{key} is {value}, but tools/model/PIN wants {pinned.get(key)}; install botocore=={pinned.get('botocore')}"
                 " or pin the new one with --pin and read the difference of the tables")
    return models, digests["botocore"]


def c_escape(text):
    out = []
    for byte in text.encode():
        c = chr(byte)
        if c in '"\\':
            out.append("\\" + c)
        elif c == "?":  # no trigraphs
            out.append("\\?")
        elif 32 <= byte < 127:
            out.append(c)
        else:
            out.append(f"\\{byte:03o}")
    return "".join(out)


class Pool:
    def __init__(self):
        self.at, self.parts, self.size = {}, [], 0

    def text(self, s):
        if not s:
            return "{}"
        if s not in self.at:
            n = len(s.encode())
            if n > 0xFFFF:
                fail(f"string too long: {s[:80]}")
            self.at[s] = (self.size, n)
            self.parts.append(s)
            self.size += n
        o, n = self.at[s]
        return "{%d,%d}" % (o, n)

    def literal(self):
        lines, line = [], ""
        for p in self.parts:
            e = c_escape(p)
            if line and len(line) + len(e) > 110:
                lines.append(line)
                line = ""
            line += e
        lines.append(line)
        return "\n".join(f'    "{x}"' for x in lines)


def re2_pattern(pattern):
    if pattern in REWRITES:
        return REWRITES[pattern]
    if re.search(r"\(\?[=!<]", pattern):
        fail(f"pattern with look-around, add it to REWRITES: {pattern}")
    out = pattern.replace(r"\p{Print}", "[[:print:]]").replace(r"\p{ASCII}", "[[:ascii:]]").replace(r"\p{Graph}", "[[:graph:]]")

    # RE2 refuses counts over 1000; the length limits of the shape hold what is lost.
    def loosen(m):
        low, high = m.group(1), m.group(3)
        if max(int(low or 0), int(high or 0)) <= 1000:
            return m.group(0)
        return "*" if int(low or 0) == 0 else "+"
    out = re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", out)
    return re.sub(r"(?<!\\x)\{(\d+)(,(\d*))?\}", loosen, out), ""


def adapted(sid, model):
    """The model with what it does not tell: orders of enumerations, and the names of SQS's older protocol."""
    for name, order in ENUM_ORDER.get(sid, {}).items():
        if set(order) != set(model["shapes"][name]["enum"]):
            fail(f"{name} of {sid} has other values than ENUM_ORDER says")
        model["shapes"][name]["enum"] = order
    if sid != "sqs":
        return model
    shapes = model["shapes"]
    for name, key in SQS_KEYS.items():
        shapes[name]["key"]["locationName"], shapes[name]["value"]["locationName"] = key, "Value"
    for name, code in FORM_ERRORS[sid].items():
        shapes[name]["error"] = {"code": code}
    return model


class Tables:
    def __init__(self, sid, model):
        self.sid, self.m = sid, adapted(sid, model)
        self.shapes_in = self.m["shapes"]
        meta = self.m["metadata"]
        self.protocols = PROTOCOLS.get(sid) or meta.get("protocols") or [meta["protocol"]]
        self.pool = Pool()
        self.order, self.index = [], {}
        self.members, self.shapes, self.constraints, self.enums, self.namespaces = [], [], [], [], []
        self.form_names = []
        self.constraint_at, self.namespace_at = {}, {}
        self.constraint({})

    def ref(self, name):
        if name not in self.index:
            self.index[name] = len(self.order)
            self.order.append(name)
        return self.index[name]

    def constraint(self, s):
        numeric = s.get("type") in ("integer", "long", "double", "float")
        enum = s.get("enum", [])
        pattern = s.get("pattern", "")
        key = (s.get("min"), s.get("max"), pattern, tuple(enum), numeric)
        if key == (None, None, "", (), numeric):
            key = "none"
        if key not in self.constraint_at:
            match, reject = re2_pattern(pattern) if pattern else ("", "")
            first = len(self.enums)
            self.enums += [self.pool.text(e) for e in enum]
            low, high = s.get("min"), s.get("max")
            t = self.pool.text
            self.constraint_at[key] = len(self.constraints)
            self.constraints.append("{%s,%s,%s,%s,%s,%s,%s,%d,%d}" % (
                "kNoMin" if low is None else f"{int(low)}LL", "kNoMax" if high is None else f"{int(high)}LL",
                t(pattern), t(match), t(reject), "true" if low is not None else "false",
                "true" if high is not None else "false", first, len(enum)))
        return self.constraint_at[key]

    def namespace(self, ns):
        if not ns:
            return 0
        if isinstance(ns, str):
            ns = {"uri": ns}
        key = (ns.get("prefix", ""), ns["uri"])
        if key not in self.namespace_at:
            self.namespace_at[key] = len(self.namespaces) + 1
            self.namespaces.append("{%s,%s}" % (self.pool.text(key[0]), self.pool.text(key[1])))
        return self.namespace_at[key]

    def member(self, owner, name, spec):
        target = self.shapes_in[spec["shape"]]
        where = LOCATIONS[spec.get("location")]
        if where == "Query" and target["type"] == "map":
            where = "QueryMap"
        flat = spec.get("flattened") or target.get("flattened")
        streaming = spec.get("streaming") or target.get("streaming")
        flags = [flag for flag, on in (
            ("kRequired", name in owner.get("required", [])), ("kFlattened", flat), ("kStreaming", streaming),
            ("kXmlAttribute", spec.get("xmlAttribute")), ("kEventStream", target.get("eventstream")),
            ("kJsonText", spec.get("jsonvalue") or target.get("jsonvalue"))) if on]
        time = spec.get("timestampFormat") or target.get("timestampFormat")
        if target["type"] == "timestamp" and not time:
            time = {"Header": "rfc822", "Query": "iso8601"}.get(where)
        wire = spec.get("locationName", name if where != "Headers" else "")
        if owner.get("payload") == name and "locationName" not in spec and "rest-xml" in self.protocols:
            wire = target.get("locationName", spec["shape"])  # of the document's root
        form = spec.get("queryName") or FORM_NAMES.get(self.sid, {}).get(name)
        if self.sid == "sqs" and flat and form is None and target["type"] == "list":
            form = target["member"]["shape"]  # batches: SendMessageBatchRequestEntry
        if form:
            self.form_names.append("{%d,%s}" % (len(self.members), self.pool.text(form)))
        ns = spec.get("xmlNamespace") or target.get("xmlNamespace")
        if self.sid == "s3" and not (isinstance(ns, dict) and ns.get("prefix")):
            ns = None  # the document's own
        return "{%s,%s,%d,%d,Location::%s,TimeFormat::%s,%s}" % (
            self.pool.text(name), self.pool.text(wire), self.ref(spec["shape"]), self.namespace(ns),
            where, TIMES[time], "|".join(flags) or "0")

    def shape(self, name):
        s = self.shapes_in[name]
        if name in LENIENT_ENUMS.get(self.sid, ()):
            s = {key: value for key, value in s.items() if key != "enum"}
        kind = "Document" if s.get("document") else KINDS[s["type"]]
        first, count, element, key, payload = len(self.members), 0, NONE, NONE, -1
        element_name = key_name = ""
        named = False
        if kind == "Structure":
            for i, (n, spec) in enumerate(s["members"].items()):
                self.members.append(self.member(s, n, spec))
                if s.get("payload") == n:
                    payload = i
            count = len(s["members"])
        elif kind == "List":
            named = "locationName" in s["member"]
            element, element_name = self.ref(s["member"]["shape"]), s["member"].get("locationName", "member")
        elif kind == "Map":
            key, element = self.ref(s["key"]["shape"]), self.ref(s["value"]["shape"])
            key_name, element_name = s["key"].get("locationName", "key"), s["value"].get("locationName", "value")
        flags = [f for f, on in (("kFlattened", s.get("flattened")), ("kUnion", s.get("union")),
                                 ("kSensitive", s.get("sensitive")), ("kNamedElement", named)) if on]
        t = self.pool.text
        self.shapes.append("{%s,%s,%s,Kind::%s,%s,TimeFormat::%s,%d,%d,%d,%d,%d,%d}" % (
            t(name), t(element_name), t(key_name), kind, "|".join(flags) or "0", TIMES[s.get("timestampFormat")], payload,
            self.constraint(s), first, count, element, key))

    def operation(self, name, o):
        t = self.pool.text
        flags = []
        if o.get("deprecated"):
            flags.append("kDeprecated")
        if o.get("httpChecksum", {}).get("requestChecksumRequired"):
            flags.append("kChecksumRequired")
        if self.sid == "s3" and name in UNWRAPPED:
            flags.append("kUnwrappedOutput")
        output = o.get("output", {})
        if self.sid == "s3":
            root = ROOTS.get(name, "")
        else:
            root = output.get("resultWrapper", name + "Result" if output and "query" in self.protocols else "")
        return "{%s,%s,%s,%s,%d,%d,%d,%s}" % (
            t(name), t(o["http"]["method"]), t(o["http"]["requestUri"]), t(root), o["http"].get("responseCode", 200),
            self.ref(o["input"]["shape"]) if "input" in o else NONE,
            self.ref(output["shape"]) if output else NONE, "|".join(flags) or "0")

    def error(self, name):
        s = self.shapes_in[name]
        e = s.get("error", {})
        fault = bool(s.get("fault")) or e.get("senderFault") is False
        status = e.get("httpStatusCode", 500 if fault else 400)
        return "{%s,%s,%d,%s,%d}" % (self.pool.text(name), self.pool.text(e.get("code", name)), status,
                                     "true" if fault else "false", self.ref(name))

    def build(self):
        ops = [self.operation(n, o) for n, o in sorted(self.m["operations"].items())]
        used = {e["shape"] for o in self.m["operations"].values() for e in o.get("errors", [])}
        used |= {n for n, s in self.shapes_in.items() if s.get("exception")}
        errors = [self.error(n) for n in sorted(used)]
        done = 0
        while done < len(self.order):
            self.shape(self.order[done])
            done += 1
        if max(len(self.order), len(self.members), len(self.enums), len(self.constraints)) >= NONE:
            fail("too many shapes, members or enumerators")
        return ops, errors

    def protocol(self, name):
        if name == "json":
            return "Protocol::Json10" if self.m["metadata"].get("jsonVersion") == "1.0" else "Protocol::Json11"
        return "Protocol::" + PROTOCOL_NAMES[name]

    def body(self, variable):
        """The arrays in a namespace of their own, then the table."""
        ops, errors = self.build()
        meta = self.m["metadata"]
        t = self.pool.text
        xmlns = XMLNS.get(self.sid) or meta.get("xmlNamespace", "")
        if isinstance(xmlns, dict):
            xmlns = xmlns["uri"]
        head = [t(self.sid), t(meta.get("signingName", meta.get("endpointPrefix", ""))), t(meta.get("endpointPrefix", "")),
                t(meta.get("serviceFullName", "")), t(meta["apiVersion"]), t(meta.get("targetPrefix", "")), t(xmlns),
                t(ERROR_NAMESPACE.get(self.sid, ""))]

        def array(kind, name, rows):
            # An empty array is no C++; nothing looks at the placeholder because the count is 0.
            body = ",\n    ".join(rows) if rows else "{}"
            return f"constexpr {kind} {name}[] = {{\n    {body},\n}};\n"
        arrays = [("Protocol", "kProtocols", [self.protocol(p) for p in self.protocols]),
                  ("Shape", "kShapes", self.shapes), ("Member", "kMembers", self.members),
                  ("Constraint", "kConstraints", self.constraints), ("Text", "kEnums", self.enums),
                  ("Namespace", "kNamespaces", self.namespaces), ("FormName", "kFormNames", self.form_names),
                  ("ErrorInfo", "kErrors", errors), ("Operation", "kOperations", ops)]
        text = "namespace {\n\n// clang-format off\n"
        text += "constexpr char kPool[] =\n" + self.pool.literal() + ";\n\n"
        text += "\n".join(array(*a) for a in arrays)
        text += "// clang-format on\n\n}  // namespace\n\n"
        compatible = "true" if "awsQueryCompatible" in meta else "false"
        text += f"const ServiceTable {variable} = {{\n    kPool, {', '.join(head)},\n"
        text += f"    {self.protocol(self.protocols[0])}, {compatible},\n"
        text += "".join(f"    {n}, {len(rows)},\n" for _, n, rows in arrays)
        return text + "};\n"


def table_text(sid, model, variable):
    """C++ of the table of one model (in botocore's form), to stand in a namespace that sees gust::model."""
    return Tables(sid, model).body(variable)


def main():
    models, version = load_models()
    OUT.mkdir(parents=True, exist_ok=True)
    for sid, _ in SERVICES:
        text = "// SPDX-License-Identifier: Apache-2.0\n//\n"
        text += f"// Generated by tools/model/generate.py from botocore {version} (see ../NOTICE). Do not edit.\n\n"
        text += '#include "model/table.h"\n\nnamespace gust::model {\n'
        text += table_text(sid, models[sid], "k" + sid.capitalize()) + "\n}  // namespace gust::model\n"
        path = OUT / f"{sid}.cc"
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                fail(f"{path} is not what this writes; run tools/model/generate.py")
        else:
            path.write_text(text)


if __name__ == "__main__":
    main()
