#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/model/tables/*.cc from botocore's service models.

The tables hold facts only (names, members, constraints, routes), no documentation text. botocore's version and the
digest of every model are pinned in PIN beside this file; a different one is refused, so that two people who run this get
the same bytes. `generate.py --pin` writes PIN anew after a deliberate change of version; `--check` writes nothing and
fails where the committed tables differ.
"""

import gzip
import hashlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent.parent / "src" / "model" / "tables"
SERVICES = [  # our id, directory, version, signing name
    ("lambda", "lambda", "2015-03-31", "lambda"),
    ("s3", "s3", "2006-03-01", "s3"),
    ("dynamodb", "dynamodb", "2012-08-10", "dynamodb"),
    ("logs", "logs", "2014-03-28", "logs"),
    ("sts", "sts", "2011-06-15", "sts"),
]
# Namespaces before an error code in __type: of the service's own errors.
ERROR_NAMESPACE = {"dynamodb": "com.amazonaws.dynamodb.v20120810#"}
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
# Look-around, which the pattern engine (RE2) has not: (what must match whole, what must not match whole).
REWRITES = {
    r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)": (r"[a-zA-Z0-9-_]+", r"[0-9]+"),
    r"((?!^\d+$)^[0-9a-zA-Z-_]+$)": (r"[0-9a-zA-Z-_]+", r"\d+"),
    r"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)": (r"[_a-zA-Z0-9][^$]*", r"system\.(?s:.*)"),
    r"[0-9A-Za-z\.\-_]*(?<!\.)": (r"[0-9A-Za-z\.\-_]*", r"(?s:.*)\."),
    # Surrogates as Java writes what lies above U+FFFF.
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*":
        (r"[\x{20}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}\r\n\t]*", ""),
    r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+":
        (r"[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{85}\x{A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+", ""),
}
KINDS = {"structure": "Structure", "list": "List", "map": "Map", "string": "String", "character": "String",
         "integer": "Integer", "long": "Long", "float": "Double", "double": "Double", "boolean": "Boolean",
         "blob": "Blob", "timestamp": "Timestamp"}
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
    for sid, directory, version, _ in SERVICES:
        path = root / directory / version / "service-2.json"
        packed = path.with_suffix(".json.gz")
        raw = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
        digests[sid] = hashlib.sha256(raw).hexdigest()
        models[sid] = json.loads(raw)
    pin = HERE / "PIN"
    if "--pin" in sys.argv:
        pin.write_text("".join(f"{k} {v}\n" for k, v in digests.items()))
    pinned = dict(line.split() for line in pin.read_text().splitlines() if line and not line.startswith("#"))
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


class Tables:
    def __init__(self, sid, signing, model):
        self.sid, self.signing, self.m = sid, signing, model
        self.shapes_in = model["shapes"]
        self.pool = Pool()
        self.order, self.index = [], {}
        self.members, self.shapes, self.constraints, self.enums, self.namespaces = [], [], [], [], []
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
        location = spec.get("location")
        where = LOCATIONS[location]
        if location == "querystring" and target["type"] == "map":
            where = "QueryMap"
        flags = []
        if name in owner.get("required", []):
            flags.append("kRequired")
        if spec.get("flattened") or target.get("flattened"):
            flags.append("kFlattened")
        if spec.get("streaming") or target.get("streaming"):
            flags.append("kStreaming")
        if spec.get("xmlAttribute"):
            flags.append("kXmlAttribute")
        if target.get("eventstream"):
            flags.append("kEventStream")
        time = spec.get("timestampFormat") or target.get("timestampFormat")
        if target["type"] == "timestamp" and not time:
            time = {"Header": "rfc822", "Query": "iso8601"}.get(where)
        wire = spec.get("locationName", name if where != "Headers" else "")
        if target["type"] == "list" and (spec.get("flattened") or target.get("flattened")) and "locationName" not in spec:
            wire = target["member"].get("locationName", name)
        return "{%s,%s,%d,%d,Location::%s,TimeFormat::%s,%s}" % (
            self.pool.text(name), self.pool.text(wire), self.ref(spec["shape"]),
            self.namespace(spec.get("xmlNamespace") or (target.get("xmlNamespace") if isinstance(target.get("xmlNamespace"), dict) and target["xmlNamespace"].get("prefix") else None)),
            where, TIMES[time], "|".join(flags) or "0")

    def shape(self, name):
        s = self.shapes_in[name]
        if name in LENIENT_ENUMS.get(self.sid, ()):
            s = {key: value for key, value in s.items() if key != "enum"}
        kind = KINDS[s["type"]]
        first, count, element, key, payload = len(self.members), 0, NONE, NONE, -1
        element_name = key_name = ""
        if kind == "Structure":
            for i, (n, spec) in enumerate(s["members"].items()):
                self.members.append(self.member(s, n, spec))
                if s.get("payload") == n:
                    payload = i
            count = len(s["members"])
        elif kind == "List":
            element, element_name = self.ref(s["member"]["shape"]), s["member"].get("locationName", "member")
        elif kind == "Map":
            key, element = self.ref(s["key"]["shape"]), self.ref(s["value"]["shape"])
            key_name, element_name = s["key"].get("locationName", "key"), s["value"].get("locationName", "value")
        flags = [f for f, on in (("kFlattened", s.get("flattened")), ("kUnion", s.get("union"))) if on]
        t = self.pool.text
        self.shapes.append("{%s,%s,%s,Kind::%s,%s,%d,%d,%d,%d,%d,%d}" % (
            t(name), t(element_name), t(key_name), kind, "|".join(flags) or "0", payload, self.constraint(s), first, count,
            element, key))

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
        root = ROOTS.get(name, "") if self.sid == "s3" else output.get("resultWrapper", "")
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
        if len(self.order) >= NONE:
            fail("too many shapes")
        return ops, errors

    def write(self, version):
        ops, errors = self.build()
        meta = self.m["metadata"]
        protocol = {"rest-json": "RestJson", "rest-xml": "RestXml", "query": "Query"}.get(meta["protocol"])
        if meta["protocol"] == "json":
            protocol = "Json10" if meta["jsonVersion"] == "1.0" else "Json11"
        t = self.pool.text
        xmlns = meta.get("xmlNamespace", "http://s3.amazonaws.com/doc/2006-03-01/" if self.sid == "s3" else "")
        head = [t(self.sid), t(self.signing), t(meta["serviceFullName"]), t(meta["apiVersion"]), t(meta.get("targetPrefix", "")),
                t(xmlns), t(ERROR_NAMESPACE.get(self.sid, ""))]
        def array(kind, name, rows):
            # An empty array is no C++; nothing looks at the placeholder because the count is 0.
            body = ",\n    ".join(rows) if rows else "{}"
            return f"constexpr {kind} {name}[] = {{\n    {body},\n}};\n"
        count = lambda rows: str(len(rows))
        variable = "k" + {"lambda": "Lambda", "s3": "S3", "dynamodb": "Dynamodb", "logs": "Logs", "sts": "Sts"}[self.sid]
        arrays = [("Shape", "kShapes", self.shapes), ("Member", "kMembers", self.members),
                  ("Constraint", "kConstraints", self.constraints), ("Text", "kEnums", self.enums),
                  ("Namespace", "kNamespaces", self.namespaces), ("ErrorInfo", "kErrors", errors),
                  ("Operation", "kOperations", ops)]
        text = "// SPDX-License-Identifier: Apache-2.0\n//\n"
        text += f"// Generated by tools/model/generate.py from botocore {version} (see ../NOTICE). Do not edit.\n\n"
        text += '#include "model/table.h"\n\nnamespace gust::model {\nnamespace {\n\n// clang-format off\n'
        text += "constexpr char kPool[] =\n" + self.pool.literal() + ";\n\n"
        text += "\n".join(array(*a) for a in arrays)
        text += "// clang-format on\n\n}  // namespace\n\n"
        text += f"const ServiceTable {variable} = {{\n    kPool, {', '.join(head)},\n    Protocol::{protocol},\n"
        text += "".join(f"    {n}, {count(rows)},\n" for _, n, rows in arrays)
        text += "};\n\n}  // namespace gust::model\n"
        path = OUT / f"{self.sid}.cc"
        if "--check" in sys.argv:
            if path.read_text() != text:
                fail(f"{path} is not what this writes; run tools/model/generate.py")
        else:
            path.write_text(text)


def main():
    models, version = load_models()
    OUT.mkdir(parents=True, exist_ok=True)
    for sid, _, _, signing in SERVICES:
        Tables(sid, signing, models[sid]).write(version)


main()
