# SPDX-License-Identifier: Apache-2.0
"""Seeds and dictionaries of the fuzz targets: one good example of each form, so that fifteen seconds go into variations.
No seed meets the condition of a planted bug. seeds.write(target, directory) makes a corpus."""
import io
import pathlib
import struct
import zipfile


def head(line, *fields, body=b""):
    return ("\r\n".join((line, "Host: 127.0.0.1:4566") + fields) + "\r\n\r\n").encode() + body


CHUNKED = "Transfer-Encoding: chunked"
HTTP = [
    head("GET /a%20b/c?x=1&y HTTP/1.1", "X-Empty:", "Connection: close"),
    head("PUT /b/k HTTP/1.1", "Content-Length: 5", "Expect: 100-continue", body=b"hello"),
    head("POST / HTTP/1.1", CHUNKED, body=b"5\r\nhello\r\n1;ext=\"x\"\r\n!\r\n0\r\nT-One: 1\r\n\r\n"),
    head("POST / HTTP/1.1", CHUNKED, body=b"1a\r\n" + b"z" * 26 + b"\r\n0\r\n\r\n") + head("DELETE /x HTTP/1.1"),
    head("POST / HTTP/1.1", CHUNKED, body=b"40\r\n" + b"y" * 64 + b"\r\n0\r\n\r\n"),
    head("GET / HTTP/1.1", "Connection: upgrade", "Upgrade: h2c") + head("GET / HTTP/1.0", "Connection: keep-alive"),
    head("POST / HTTP/1.1", "Content-Length: 1", CHUNKED, body=b"0\r\n\r\n"),
    b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.0 204 No Content\r\nContent-Length: 3\r\n\r\n",
]
HTTP_WORDS = ["GET ", "POST ", "HTTP/1.1\r\n", "HTTP/1.0\r\n", "Host: h\r\n", "Content-Length: ", "Transfer-Encoding: chunked\r\n",
              "Connection: close\r\n", "Expect: 100-continue\r\n", "\r\n\r\n", "\r\n", "0\r\n\r\n", "2a\r\n", ": "]

AUTHORIZATION = ("Authorization: AWS4-HMAC-SHA256 Credential=AKIAROOT/20261123/eu-west-1/{}/aws4_request, "
                 "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64)
REQUESTS = [
    head("PUT /b/k?partNumber=1&uploadId=x HTTP/1.1", AUTHORIZATION.format("s3"), "x-amz-date: 20261123T032109Z",
         "x-amz-content-sha256: UNSIGNED-PAYLOAD", "x-amz-checksum-crc32: AAAAAA==", "x-amz-meta-a: b"),
    head("GET /b?list-type=2&prefix=a%2F&max-keys=10 HTTP/1.1", AUTHORIZATION.format("s3"), "x-amz-date: 20261123T032109Z"),
    head("POST /2015-03-31/functions/f/invocations?Qualifier=1 HTTP/1.1", AUTHORIZATION.format("lambda"),
         "x-amz-date: 20261123T032109Z", "X-Amz-Invocation-Type: Event", "X-Amz-Client-Context: e30="),
    head("GET /2015-03-31/functions/?MaxItems=50&Marker=x HTTP/1.1", AUTHORIZATION.format("lambda")),
    head("POST / HTTP/1.1", AUTHORIZATION.format("dynamodb"), "X-Amz-Target: DynamoDB_20120810.PutItem"),
    head("POST / HTTP/1.1", AUTHORIZATION.format("nothing"), "Content-Type: application/x-www-form-urlencoded"),
    b"GET /k HTTP/1.1\r\nHost: b.s3.example.com:80\r\nOrigin: http://b.s3.example.com:80\r\n\r\n",
    head("GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAROOT%2F20261123%2Feu-west-1%2Fs3%2Faws4_request"
         "&X-Amz-Date=20261123T032109Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00 HTTP/1.1"),
    head("GET /b/k?AWSAccessKeyId=AKIAROOT&Signature=b&Expires=1795404070 HTTP/1.1"),
    head("GET /b/k?X-Amz-Credential=A%2F20261123%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=00 HTTP/1.1"),
]

# Byte 0: signed, trailers, a checksum announced, decoded length; byte 1: where the input is cut in two.
SIGNED = ";chunk-signature=" + "0" * 64
AWS_CHUNKED = [
    b"\x0a\x00" + b"1\r\nx\r\n0\r\n\r\n",
    b"\x2e\x03" + b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n",
    b"\x29\x00" + f"5{SIGNED}\r\nhello\r\n0{SIGNED}\r\n\r\n".encode(),
]
AWS_CHUNKED_WORDS = ["\r\n", "\r\n\r\n", "0\r\n", SIGNED, "x-amz-checksum-crc32:AAAAAA==\r\n"]

FIELD = 'Content-Disposition: form-data; name="'
FILE = '--B\r\n' + FIELD + 'file"{}\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B--\r\n'
KEY = '--B\r\n' + FIELD + 'key"\r\n\r\nk\r\n'
POST_FORMS = [b"\x05" + (KEY + FILE.format('; filename="a.txt"')).encode(),
              b"\x00" + (KEY + KEY.replace('"key"', '"acl"') + FILE.format("")).encode()]
POST_FORM_WORDS = ["--B\r\n", "\r\n--B--\r\n", FIELD, '"; filename="a"', "\r\n\r\n"]
POST_POLICIES = [
    '{"expiration":"2027-01-01T00:00:00Z","conditions":[{"bucket":"pics"},["starts-with","$key","user/"],["eq","$x-amz-meta-unguessable-9f31","b"]]}',
    '{"expiration":"2027-01-01T00:00:00Z","conditions":[["content-length-range",1,5]]}']
POST_POLICY_WORDS = ['["content-length-range",1,5]', '["eq","$key",', '"conditions":[', '{"bucket":"pics"}']

POLICY = '{{"Version":"2012-10-17","Statement":[{{"Sid":"a","Effect":"{}","Principal":{},"Action":{},"Resource":{}{}}}]}}'
POLICIES = [
    POLICY.format("Allow", '"*"', '"s3:GetObject"', '"arn:aws:s3:::bucket/*"', ""),
    POLICY.format("Deny", '{"AWS":"*"}', '["s3:*"]', '["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]',
                  ',"Condition":{"Bool":{"aws:SecureTransport":"false"}}'),
    POLICY.format("Allow", '{"AWS":["arn:aws:iam::000000000000:root"],"Service":"logs.amazonaws.com"}', '"s3:PutObject"',
                  '"arn:aws:s3:::bucket/${aws:username}/?"', ',"Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8"]}}'),
    '{"Id":"x","Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"000000000000"},"NotAction":"s3:Put*","NotResource":"arn:aws:s3:::bucket/a"}}',
]
POLICY_WORDS = ['"s3:*"', '"s3:Put*"', '"s3:PutObject"', '"Principal":"*"', '"NotPrincipal":', '"NotAction":', '"NotResource":',
                '"Condition":{', '"Allow"', '"Deny"', '{"StringLike":{"aws:userid":"', "arn:aws:s3:::bucket", "/*", "${"]

TRUST = '{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole","Condition":{{{}}}}}]}}'
TRUSTS = [TRUST.format('{"AWS":"arn:aws:iam::111122223333:root"}', '"StringEquals":{"sts:ExternalId":"secret"}'),
          TRUST.format('"*"', '"StringLike":{"sts:ExternalId":"x*"}'),
          '{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["*"]},"NotAction":"sts:*"}}', "AUFTSUFBQUFB"]
IDENTITIES = [
    '{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:*"],"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}',
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"s3:*","Resource":"x*"}]}']

CBORS = [bytes.fromhex("a2694e616d657370616365616e6a4d65747269634461746181a26a4d65747269634e616d65616d6556616c7565fb3ff8000000000000"),
         bytes.fromhex("bf694e616d6573706163657f616e616effff"), bytes.fromhex("83c11a514b67b0f93c005f420102410" + "3ff"), b"\xa0"]
# Byte 0: which service's table, so query with members, query with flattened lists, ec2.
FORMS = [b"\0Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=ses&Tags.member.1.Key=a&Tags.member.1.Value=b",
         b"\1Action=SendMessageBatch&QueueUrl=u&SendMessageBatchRequestEntry.1.Id=1&SendMessageBatchRequestEntry.1.MessageBody=a",
         b"\2Action=RunInstances&MinCount=1&MaxCount=1&TagSpecification.1.Tag.1.Key=k&SecurityGroupId.1=sg"]


def zip_file(*entries, compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = 3, mode << 16, compression
            z.writestr(info, content)
    return out.getvalue()


def encrypted(data):
    """The central directory's flag of encryption set."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", 1) + data[at + 2:]


ZIPS = [
    zip_file(("bootstrap", b"#!/bin/sh\necho x\n" * 9, 0o100755)),
    zip_file(("d/", b"", 0o040755), ("d/f", b"abc", 0o100644), ("link", b"d/f", 0o120777), compression=zipfile.ZIP_STORED),
    zip_file(("../up", b"x", 0o100644), ("/abs", b"y" * 3000, 0o100644)),
    encrypted(zip_file(("secret", b"abc", 0o100644), compression=zipfile.ZIP_STORED)),
    b"PK\x05\x06" + bytes(18),
]

CONDITIONS = [
    "attribute_exists(a) AND NOT #a > :n", "a BETWEEN :n AND :n", "NOT (#a IN (:n, :s)) OR size(b.c) <= :n",
    "begins_with(b.c[0], :s) AND contains(t, :s) AND attribute_type(a, :s)", "(a <> :n) AND (((b.c[1] = :n)))",
]
EXPRESSIONS = (
    [b"\0" + c.encode() for c in CONDITIONS]
    + [b"\1" + p.encode() for p in ("a, b.c[0], #b", "t", "b.c[1].d")]
    + [b"\2" + u.encode() for u in ("SET a = a + :n, b.c[1] = list_append(b.c, :l) REMOVE t",
                                    "ADD t :t, a :n DELETE t :t SET #b = if_not_exists(x, :s) - :n")]
    + [b"\3" + n.encode() for n in ("12.50e-10", "-0.000123", "1e125", "9" * 38)])
EXPRESSION_WORDS = ["NOT ", " AND ", " OR ", " BETWEEN ", " IN ", "(", ")", "size(", "attribute_exists(", "begins_with(", "contains(",
                    "SET ", "REMOVE ", "ADD ", "DELETE ", "if_not_exists(", "list_append(", "#a", "#b", ":n", ":s", ":l", ":t", "a", "b.c[0]"]

ITEM = ('{"TableName":"tab","Item":{"k":{"S":"x"},"n":{"N":"1.5"},"b":{"B":"AAEC"},"m":{"M":{"l":{"L":[{"NULL":true},{"BOOL":false}]}}},'
        '"ss":{"SS":["a","b"]},"ns":{"NS":["1"]}},"ConditionExpression":"attribute_not_exists(k)","ReturnValues":"ALL_OLD"}')
SMALL_ITEM = '{"TableName":"tab","Item":{"k":{"N":"1"}}}'
CREATE = ('{"FunctionName":"f","Runtime":"provided.al2023","Role":"arn:aws:iam::000000000000:role/r","Handler":"h",'
          '"Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},"Timeout":3,"MemorySize":128,"Environment":{"Variables":{"A":"b"}},'
          '"Architectures":["x86_64"],"EphemeralStorage":{"Size":512},"Tags":{"t":"v"}}')
ITEM_WORDS = ['"Item":{', '{"S":"', '{"N":"', '{"NS":["', '{"L":[', '{"M":{', '"},', '","', '"]}', '{"NULL":true}', '{"BOOL":']

LAMBDA_RULE = ('<CloudFunctionConfiguration><Id>i</Id><CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:f</CloudFunction>'
               '<Event>s3:ObjectCreated:*</Event>{}</CloudFunctionConfiguration>')
FILTER = '<Filter><S3Key><FilterRule><Name>prefix</Name><Value>in/</Value></FilterRule></S3Key></Filter>'
XMLS = [
    b"\0" + ("<NotificationConfiguration>" + LAMBDA_RULE.format(FILTER) + "</NotificationConfiguration>").encode(),
    b"\0" + ("<NotificationConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>" + LAMBDA_RULE.format("<Event>s3:ObjectRemoved:*</Event>")
             + "</NotificationConfiguration>").encode(),
    b"\1<Delete><Object><Key>a&amp;b</Key><VersionId>v</VersionId></Object><Object><Key>c</Key></Object><Quiet>true</Quiet></Delete>",
    b"\2<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi='x' xsi:type='CanonicalUser'>"
    b"<ID>i</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
    b"\3<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag></Part></CompleteMultipartUpload>",
    b"\1<!DOCTYPE x [<!ENTITY e \"eeee\">]><Delete><Object><Key>&e;</Key></Object></Delete>",
]
XML_WORDS = ["<Event>s3:ObjectCreated:*</Event>", "<CloudFunctionConfiguration>", "</CloudFunctionConfiguration>", "<Filter>", "<Key>",
             "<![CDATA[", "<!--", "-->", "&#x41;", "&lt;", "<!DOCTYPE x [", "xmlns="]


def query(name, kind, flags=0x0100, klass=1):
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
    return struct.pack(">HHHHHH", 0x1234, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, klass)


QUERIES = [query("localhost", 1), query("bucket.localhost", 28), query("b.s3.LOCALHOST", 255), query("example.com", 1),
           query("localhost", 1, flags=0x8180), query("localhost", 16, klass=3), struct.pack(">HHHHHH", 1, 0, 2, 0, 0, 0)]

INVOCATION = "/2018-06-01/runtime/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd"
RUNTIME = [
    head("GET /2018-06-01/runtime/invocation/next HTTP/1.1"),
    head(f"POST {INVOCATION}/response HTTP/1.1", "Content-Length: 2", body=b"{}"),
    head(f"POST {INVOCATION}/response HTTP/1.1", CHUNKED, "Lambda-Runtime-Function-Response-Mode: streaming",
         body=b"2\r\n{}\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Oh\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n"),
    head(f"POST {INVOCATION}/error HTTP/1.1", "Content-Length: 35", "Lambda-Runtime-Function-Error-Type: X.Y",
         body=b'{"errorType":"E","errorMessage":""}'),
    head("POST /2018-06-01/runtime/init/error HTTP/1.1", "Content-Length: 17", body=b'{"errorType":"E"}'),
    head(f"POST {INVOCATION}/response HTTP/1.1", "Content-Length: 9000000"),
]

JSONS = ['{"a":[1,-2,3.5e10,true,false,null,"x\\u00e9\\ud83d\\ude00"],"a":2,"":{"b":{}}}', "[" * 12 + "1" + "]" * 12, '"\\""', "18446744073709551615",
         '[-0,1e400]', '{"k":"é€😀"}']
TEXTS = ["2026-11-23T03:21:09.123Z", "20261123T032109Z", "2026-11-23T03:21:09+0100", "Mon, 23 Nov 2026 03:21:09 GMT", "AAEC/+8=", "a%20b+c%2F",
         "00ff", "-9223372036854775808", "<a href=\"x\">&'\r\n\x1b[31m\x7f", "é€😀"]
LINES = [b"plain output\twith tab", b"two\nlines \\n and a backslash\\", b"\x1b[31mred\x1b[0m \xff\xfe",
         b"2026-11-23T03:21:09.000Z\te\tr\ttext\\x1b", b"2026-11-23:4711", b"START -ERROR ?a ?b \"two words\""]


def as_bytes(texts):
    return [t.encode() for t in texts]


# target: seeds, words of a dictionary
TARGETS = {
    "codec_fuzz": (HTTP, HTTP_WORDS),
    "request_fuzz": (REQUESTS, HTTP_WORDS[:-3] + [";host", ";x-amz-date", "AKIAROOT", "x-amz-checksum-sha256: ", "%2F", "&", "="]),
    "runtime_api_fuzz": (RUNTIME, HTTP_WORDS[:-3] + ["Lambda-Runtime-Function-Error-Type: ", "Function.Oh"]),
    "json_text_fuzz": (as_bytes(JSONS), ["[[", "{\"a\":", "}", "]]", "\\u00", "1e5"]),
    "json_fuzz": ([b"\0" + ITEM.encode(), b"\0" + SMALL_ITEM.encode(), b"\1" + CREATE.encode()], ITEM_WORDS),
    "xml_fuzz": (XMLS, XML_WORDS),
    "expression_fuzz": (EXPRESSIONS, EXPRESSION_WORDS),
    "unpack_fuzz": (ZIPS, ["PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07"]),
    "resolver_fuzz": (QUERIES, ["\x09localhost", "\x06bucket"]),
    "encoding_fuzz": (as_bytes(TEXTS), ["2026-", "T03:", "%2", "=="]),
    "aws_chunked_fuzz": (AWS_CHUNKED, AWS_CHUNKED_WORDS),
    "post_form_fuzz": (POST_FORMS, POST_FORM_WORDS),
    "post_policy_fuzz": (as_bytes(POST_POLICIES), POST_POLICY_WORDS),
    "bucket_policy_fuzz": (as_bytes(POLICIES), POLICY_WORDS),
    "trust_policy_fuzz": (as_bytes(TRUSTS), ['"StringLike"', '"StringEquals"', '"AWS"', '"*"', "IfExists", '"Deny"', '"Null"']),
    "policy_document_fuzz": (as_bytes(IDENTITIES), ['"NotAction"', '"Action"', '"NotResource"', '"Principal"', '"Effect"', " ", ": ", ", "]),
    "cbor_fuzz": (CBORS, ["MetricData", "MetricName", "\x81", "\xbf", "\xff", "\xc1\x1a", "Namespace"]),
    "form_fuzz": (FORMS, ["Action=", "AssumeRole&", "Tags.member.1.Value=", ".member.", ".entry.1.", "%2F", "&", "=", "RunInstances&"]),
    "s3_request_fuzz": (as_bytes(["bucket/a+b?versionId=null", "/b/k%20x", "bytes=0-9", "bytes=-5", "a=1&b%20c=%C3%BC&d"]),
                        ["?versionId=", "bytes=", "+", "%20", "/", "&", "="]),
    "log_line_fuzz": (LINES, ["\\x", "START ", "?\"", "\""]),
}


def write(target, directory):
    """Makes directory/seed-N and directory.dict; returns the dictionary's path."""
    seeds, words = TARGETS[target]
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (directory / f"seed-{number}").write_bytes(seed)
    dictionary = directory.with_suffix(".dict")
    dictionary.write_text("".join('"' + "".join(f"\\x{b:02x}" for b in w.encode("latin-1")) + '"\n' for w in words))
    return dictionary
