# SPDX-License-Identifier: Apache-2.0
"""Documents, names and packages that are no good: AWS's error, no more memory than a limit, nothing made, and the same thing
done right works. (Bad zips and bombs are in tests/api/test_lambda_functions.py.)"""
import base64
import json
import re
import subprocess

import botocore.exceptions
import pytest

from conftest import gusts
from lambda_tools import ROLE, RUNTIME, native_package, package, unique
from test_bad_input import FRANK_MEMORY, HEALTH, Wire, authorization, head, peak_below, unharmed

MIB = 1 << 20
PUT_ITEM = "X-Amz-Target: DynamoDB_20120810.PutItem"


@pytest.fixture(scope="module")
def gust(work, runtimes):
    with gusts(work, runtimes) as make:
        made = make().start(env=FRANK_MEMORY)
        made.client("dynamodb").create_table(TableName="tab", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                                             AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
        made.client("s3").create_bucket(Bucket="bucket")
        yield made


@pytest.fixture(autouse=True)
def nothing_breaks(gust):
    with unharmed(gust, growth=200 * MIB):
        yield


def ask(gust, line, service, *fields, body=b""):
    """The answer; the connection must be good for another request."""
    with Wire(gust.port, seconds=60) as wire:
        answer = wire.send(head(line, authorization(service), f"Content-Length: {len(body)}", *fields) + body).answer()
        assert answer is not None, "no answer"
        assert wire.send(HEALTH).answer().status == 200
        return answer


def code_of(answer):
    """The error's code, in whatever protocol; the body must be a whole document."""
    if answer.headers["content-type"].startswith("application/x-amz-json"):
        return json.loads(answer.body)["__type"].split("#")[-1]
    if "json" in answer.headers["content-type"]:
        json.loads(answer.body)
        return answer.headers["x-amzn-errortype"]
    return re.search(rb"<Code>(\w+)</Code>", answer.body).group(1).decode()


# --- JSON ---------------------------------------------------------------------------------------------------------

ITEM = b'{"TableName":"tab","Item":{"k":{"S":"%s"}%s}}'
BAD_JSON = {
    "nothing of it": b"no json",
    "empty": b"",
    "cut off": b'{"TableName":"tab"',
    "two documents": b"{} {}",
    "a comma too many": b'{"TableName":"tab",}',
    "single quotes": b"{'TableName':'tab'}",
    "a list": b"[]",
    "a text": b'"x"',
    "NUL behind it": b'{"TableName":"tab","Item":{"k":{"S":"x"}}}\0',
    "NUL and more behind it": b'{"TableName":"tab","Item":{"k":{"S":"x"}}}\0{"TableName":"other"}',
    "no UTF-8": ITEM % (b"\xff\xfe", b""),
    "an overlong slash": ITEM % (b"\xc0\xaf", b""),
    "a surrogate in UTF-8": ITEM % (b"\xed\xa0\x80", b""),
    "a lone high surrogate": ITEM % (b"\\ud800", b""),
    "a lone low surrogate": ITEM % (b"\\udc00", b""),
    "a raw control character": ITEM % (b"\x01", b""),
    "UTF-16": '{"TableName":"tab"}'.encode("utf-16"),
    "a number that is too large": b'{"TableName":"tab","Limit":1e999999}',
    "a number of 100 000 digits": b'{"TableName":"tab","Limit":' + b"9" * 100_000 + b"}",
    "half a byte order mark": b"\xef" + ITEM % (b"x", b""),
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 100_000,
    "brackets, closed": b"[" * 100_000 + b"]" * 100_000,
    "deep in a member nobody knows": (ITEM % (b"x", b""))[:-1] + b',"Unknown":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a deep attribute": ITEM % (b"x", b',"a":' + b'{"L":[' * 40 + b'{"S":""}' + b"]}" * 40),
    "the wrong kinds": b'{"TableName":7,"Item":[]}',
    "a wrong kind inside": b'{"TableName":"tab","Item":{"k":{"S":{"S":"x"}}}}',
    "bad base64": ITEM % (b"x", b',"b":{"B":"%%%"}'),
}


@pytest.mark.parametrize("what", BAD_JSON)
def test_a_bad_json_document(gust, what):
    answer = ask(gust, "POST / HTTP/1.1", "dynamodb", PUT_ITEM, body=BAD_JSON[what])
    assert answer.status == 400 and code_of(answer) in ("SerializationException", "ValidationException"), answer
    answer = ask(gust, "POST /2015-03-31/functions HTTP/1.1", "lambda", body=BAD_JSON[what])
    assert answer.status == 400 and code_of(answer) in ("InvalidRequestContentException", "SerializationException", "ValidationException", "InvalidParameterValueException"), answer
    good = ask(gust, "POST / HTTP/1.1", "dynamodb", PUT_ITEM, body=ITEM % ("\U0001f600é".encode(), b',"a":' + b'{"L":[' * 10 + b'{"S":""}' + b"]}" * 10))
    assert good.status == 200, good


def test_of_equal_names_the_last_counts(gust):
    body = b'{"TableName":"no-such-table","TableName":"tab","Item":{"k":{"S":"twice"},"v":{"S":"1"},"v":{"S":"2"}}}'
    assert ask(gust, "POST / HTTP/1.1", "dynamodb", PUT_ITEM, body=body).status == 200
    assert gust.client("dynamodb").get_item(TableName="tab", Key={"k": {"S": "twice"}})["Item"]["v"] == {"S": "2"}


@pytest.mark.parametrize("what", {"numbers": b'{"TableName":"tab","Unknown":[%s1]}' % (b"1," * 7_000_000),
                                  "empty lists": b'{"TableName":"tab","Unknown":[%s[]]}' % (b"[]," * 5_000_000),
                                  "equal names": b'{%s"TableName":"tab"}' % (b'"":0,' * 3_000_000),
                                  "attributes": b'{"TableName":"tab","Item":{%s"k":{"S":"x"}}}' % b"".join(b'"%x":{},' % n for n in range(1_200_000)),
                                  "a set": ITEM % (b"x", b',"s":{"NS":[%s"1"]}' % (b'"1",' * 3_500_000))}.items(), ids=lambda item: item[0])
def test_few_bytes_that_would_become_much_memory(gust, what):
    assert len(what[1]) < 16 * MIB
    with peak_below(gust, 130 * MIB):
        answer = ask(gust, "POST / HTTP/1.1", "dynamodb", PUT_ITEM, body=what[1])
    assert answer.status == 400 and code_of(answer) in ("SerializationException", "ValidationException"), answer
    many = b'{"TableName":"tab","Item":{"k":{"S":"many"},"l":{"L":[%s{"N":"1"}]}}}' % (b'{"N":"1"},' * 20_000)  # the control
    assert ask(gust, "POST / HTTP/1.1", "dynamodb", PUT_ITEM, body=many).status == 200


@pytest.mark.parametrize("payload", [b"no json", b"{", b"\xff", b"{}\0", b"[" * 1000 + b"]" * 1000, b"[" * 100_000], ids=["none", "open", "utf-8", "nul", "deep", "bomb"])
def test_a_bad_event(gust, native, payload):
    for kind in ("RequestResponse", "Event"):
        answer = ask(gust, f"POST /2015-03-31/functions/{native}/invocations HTTP/1.1", "lambda", f"X-Amz-Invocation-Type: {kind}", body=payload)
        assert answer.status == 400 and code_of(answer) == "InvalidRequestContentException", answer
    event = b"[" * 100 + b"]" * 100
    assert ask(gust, f"POST /2015-03-31/functions/{native}/invocations HTTP/1.1", "lambda", body=event).body == event


@pytest.mark.parametrize("context", ["not base64!", base64.b64encode(b"no json").decode(), base64.b64encode(b'"' + b"x" * 3600 + b'"').decode(),
                                     base64.b64encode(b"{}\r\nEvil: 1").decode()], ids=["base64", "json", "long", "lines"])
def test_a_bad_client_context(gust, native, context):
    line = f"POST /2015-03-31/functions/{native}/invocations HTTP/1.1"
    answer = ask(gust, line, "lambda", f"X-Amz-Client-Context: {context}", body=b"{}")
    assert answer.status in (400, 413), answer
    good = base64.b64encode(b'{"custom":{}}').decode()
    assert ask(gust, line, "lambda", f"X-Amz-Client-Context: {good}", body=b"{}").status == 200


# --- XML ----------------------------------------------------------------------------------------------------------

NOTIFICATION = "PUT /bucket?notification HTTP/1.1"
RULE = (b"<NotificationConfiguration><CloudFunctionConfiguration><Id>%s</Id><CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:f"
        b"</CloudFunction><Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration></NotificationConfiguration>")
LAUGHS = (b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(b'<!ENTITY %c "%s">' % (98 + n, (b"&%c;" % (97 + n)) * 10) for n in range(9)) + b"]>")
BAD_XML = {
    "nothing of it": b"no xml",
    "cut off": b"<NotificationConfiguration>",
    "crossed tags": b"<NotificationConfiguration><a></NotificationConfiguration></a>",
    "another root": b"<Delete><Object><Key>k</Key></Object></Delete>",
    "no UTF-8": RULE % b"\xff",
    "UTF-16": (RULE % b"i").decode().encode("utf-16"),
    "100 000 deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "deep": b"<NotificationConfiguration>" + b"<a>" * 500 + b"</a>" * 500 + b"</NotificationConfiguration>",
    "a million elements": b"<NotificationConfiguration>" + b"<a/>" * 1_000_000 + b"</NotificationConfiguration>",
    "a million attributes": b"<NotificationConfiguration" + b' a=""' * 800_000 + b"/>",
    "no event of S3's": (RULE % b"i").replace(b"s3:ObjectCreated:*", b"s3:Everything"),
}


@pytest.mark.parametrize("what", BAD_XML)
def test_a_bad_xml_document(gust, what):
    with peak_below(gust, 64 * MIB):
        answer = ask(gust, NOTIFICATION, "s3", body=BAD_XML[what])
    assert answer.status == 400 and code_of(answer) in ("MalformedXML", "InvalidArgument"), answer
    assert ask(gust, NOTIFICATION, "s3", body=b"<NotificationConfiguration/>").status == 200


@pytest.mark.parametrize("declared, name", [(LAUGHS, b"&j;"), (b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>', b"&f;"),
                                            (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x">', b"i")], ids=["a billion laughs", "a file", "a fetch"])
def test_a_document_with_a_type_of_its_own(gust, declared, name):
    with peak_below(gust, 32 * MIB):
        answer = ask(gust, NOTIFICATION, "s3", body=declared + RULE % name)
    assert answer.status == 400 and code_of(answer) == "MalformedXML" and b"root:" not in answer.body, answer
    assert b"CloudFunction" not in ask(gust, "GET /bucket?notification HTTP/1.1", "s3").body


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["..%2f..%2f..%2fetc%2fpasswd", "../../../../etc/passwd", "a/../../b", "%00", "a%0d%0aEvil:%201", "/lead", "%2e%2e/x", "x" * 1024])
def test_a_key_is_a_name_and_no_path(gust, key):
    """Whatever S3 allows as a key is one; nothing of it reaches a file name or a header."""
    answer = ask(gust, f"PUT /bucket/{key} HTTP/1.1", "s3", body=b"content of it")
    assert answer.status in (200, 400), answer
    got = ask(gust, f"GET /bucket/{key} HTTP/1.1", "s3")
    assert (got.status, got.body) == (200, b"content of it") if answer.status == 200 else got.status in (400, 404)
    assert "evil" not in got.headers and b"root:" not in got.body
    listed = gust.client("s3").list_objects_v2(Bucket="bucket")
    assert listed["KeyCount"] >= (answer.status == 200)
    ask(gust, f"DELETE /bucket/{key} HTTP/1.1", "s3")


@pytest.mark.parametrize("key, code", [("%ff%fe", None), ("%", None), ("%zz", None), ("x" * 1025, "KeyTooLongError")])
def test_a_key_that_is_none(gust, key, code):
    answer = ask(gust, f"PUT /bucket/{key} HTTP/1.1", "s3", body=b"x")
    assert answer.status == 400 and code in (None, code_of(answer)), answer
    assert ask(gust, "PUT /bucket/k%C3%A9y HTTP/1.1", "s3", body=b"x").status == 200


@pytest.mark.parametrize("bucket", ["..", "A-b", "a", "x" * 64, "a..b", "127.0.0.1", "a_b", "-ab", "%00ab", "a%2fb"])
def test_a_bucket_name_that_is_none(gust, bucket):
    answer = ask(gust, f"PUT /{bucket} HTTP/1.1", "s3")
    assert answer.status in (400, 403, 404, 405, 409), answer
    name = unique("good")
    assert ask(gust, f"PUT /{name} HTTP/1.1", "s3").status == 200
    assert name in [b["Name"] for b in gust.client("s3").list_buckets()["Buckets"]]


@pytest.mark.parametrize("name", ["..", "a%2f..%2fb", "a b", "x" * 141, "%00", "a:b:c:d:e:f", "$LATEST", "é"])
def test_a_function_name_that_is_none(gust, name):
    answer = ask(gust, f"GET /2015-03-31/functions/{name.encode().decode('latin-1')} HTTP/1.1" if " " not in name else "GET /2015-03-31/functions/a%20b HTTP/1.1", "lambda")
    assert 400 <= answer.status < 500, answer
    settings = {"FunctionName": name.replace("%2f", "/").replace("%00", "\0"), "Runtime": RUNTIME, "Role": ROLE, "Handler": "h",
                "Code": {"ZipFile": base64.b64encode(package(("bootstrap", b"x", 0o100755))).decode()}}
    answer = ask(gust, "POST /2015-03-31/functions HTTP/1.1", "lambda", body=json.dumps(settings).encode())
    assert answer.status == 400 and code_of(answer) in ("ValidationException", "InvalidParameterValueException"), answer


def test_a_thousand_parameters(gust):
    many = "&".join(f"a{n}=b" for n in range(3000))
    answer = ask(gust, f"GET /bucket?list-type=2&{many} HTTP/1.1", "s3")
    assert 400 <= answer.status < 500, answer
    few = "&".join(f"a{n}=b" for n in range(300))
    assert ask(gust, f"GET /bucket?list-type=2&{few} HTTP/1.1", "s3").status == 200


# --- packages -----------------------------------------------------------------------------------------------------


def make(gust, code, **settings):
    client, name = gust.client("lambda"), unique("bad")
    client.create_function(FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="h", Code={"ZipFile": code}, **settings)
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return name


@pytest.fixture(scope="module")
def native(gust):
    return make(gust, native_package(), MemorySize=256)


SCRIPT = 0o100755
BOOTSTRAPS = {
    # name: (package, error type, part of the message)
    "not executable": (package(("bootstrap", b"#!/bin/sh\nexit 0\n", 0o100644)), "Runtime.InvalidEntrypoint", None),
    "a directory": (package(("bootstrap/x", b"", 0o100644)), "Runtime.InvalidEntrypoint", None),
    "under another name": (package(("Bootstrap", b"#!/bin/sh\nexit 0\n", SCRIPT)), "Runtime.InvalidEntrypoint", None),
    "empty": (package(("bootstrap", b"", SCRIPT)), None, None),
    "no program": (package(("bootstrap", b"\x00\x01\x02 neither script nor ELF", SCRIPT)), None, None),
    "half an ELF": (package(("bootstrap", b"\x7fELF\x02\x01\x01", SCRIPT)), None, None),
    "an interpreter that is not there": (package(("bootstrap", b"#!/opt/no/such/interpreter\n", SCRIPT)), None, None),
    "line ends of DOS": (package(("bootstrap", b"#!/bin/sh\r\nexit 0\r\n", SCRIPT)), None, None),
    "a link to nowhere": (package(("bootstrap", b"nowhere", 0o120777)), "Runtime.InvalidEntrypoint", None),
    "a link to itself": (package(("bootstrap", b"bootstrap", 0o120777)), "Runtime.InvalidEntrypoint", None),
    "that ends well": (package(("bootstrap", b"#!/bin/sh\nexit 0\n", SCRIPT)), "Runtime.ExitError", "without providing a reason"),
    "that ends badly": (package(("bootstrap", b"#!/bin/sh\nexit 7\n", SCRIPT)), "Runtime.ExitError", "exit status 7"),
    "that faults": (package(("bootstrap", b"#!/bin/sh\nkill -SEGV $$\n", SCRIPT)), "Runtime.ExitError", "signal: segmentation fault"),
    "that kills itself": (package(("bootstrap", b"#!/bin/sh\nkill -9 $$\n", SCRIPT)), "Runtime.ExitError", "signal: killed"),
}


@pytest.mark.parametrize("what", BOOTSTRAPS)
def test_a_bootstrap(gust, native, what):
    """A function error on each call, of the first kind and again; the functions beside it run."""
    code, kind, text = BOOTSTRAPS[what]
    try:
        name = make(gust, code)
    except botocore.exceptions.ClientError as refused:  # links that lead nowhere may be refused with the package
        assert refused.response["Error"]["Code"] == "InvalidParameterValueException" and "link" in what
        return
    for _ in range(2):
        answer = gust.client("lambda").invoke(FunctionName=name, Payload=b"{}")
        value = json.loads(answer["Payload"].read())
        assert answer["StatusCode"] == 200 and answer["FunctionError"] == "Unhandled", value
        assert value["errorType"] in ((kind,) if kind else ("Runtime.InvalidEntrypoint", "Runtime.ExitError")), value
        assert text is None or text in value["errorMessage"], value
        beside = gust.client("lambda").invoke(FunctionName=native, Payload=b'{"a":1}')
        assert json.loads(beside["Payload"].read()) == {"a": 1}


def test_a_bootstrap_that_never_asks_for_work(gust, native):
    """Ended with AWS's timeout; who calls others does not wait for it."""
    name = make(gust, package(("bootstrap", b"#!/bin/sh\nwhile :; do sleep 1; done\n", SCRIPT)), Timeout=1)
    with Wire(gust.port, seconds=60) as wire:
        wire.send(head(f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1", authorization("lambda"), "Content-Length: 2") + b"{}")
        beside = gust.client("lambda").invoke(FunctionName=native, Payload=b'{"a":1}')
        assert json.loads(beside["Payload"].read()) == {"a": 1}
        answer = wire.answer()
    assert answer.status == 200 and answer.headers["x-amz-function-error"] == "Unhandled"
    value = json.loads(answer.body)
    assert value["errorType"] == "Sandbox.Timedout" and "Task timed out after" in value["errorMessage"], value


TALKERS = {
    "that answers an invocation that is not": b"POST /2018-06-01/runtime/invocation/no-such-id/response HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 2\\r\\n\\r\\n{}",
    "that speaks no HTTP": b"\\026\\003\\001 no http at all\\r\\n\\r\\n",
    "that smuggles": b"POST /2018-06-01/runtime/init/error HTTP/1.1\\r\\nHost: h\\r\\nContent-Length: 2\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n{}",
    "that asks for the daemon": b"GET /_gust/functions HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n",
}
TALKER = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
int main(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9001)};
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  static char answer[4096];
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) return 9;
  send(fd, TEXT, sizeof TEXT - 1, MSG_NOSIGNAL);
  recv(fd, answer, sizeof answer - 1, 0);
  printf("answered: %.12s\n", answer);
  fflush(stdout);
  return 5;
}
"""


@pytest.mark.parametrize("what", TALKERS)
def test_a_bootstrap_that_abuses_its_runtime_api(gust, native, what, tmp_path):
    """Refused there, which the function's own log shows; then its end is an end like others."""
    (tmp_path / "talker.c").write_text(f'#define TEXT "{TALKERS[what].decode()}"\n' + TALKER)
    subprocess.run(["gcc", "-O1", "-static", "-o", tmp_path / "bootstrap", tmp_path / "talker.c"], check=True)
    name = make(gust, package(("bootstrap", (tmp_path / "bootstrap").read_bytes(), SCRIPT)))
    answer = gust.client("lambda").invoke(FunctionName=name, Payload=b"{}", LogType="Tail")
    value = json.loads(answer["Payload"].read())
    assert answer["FunctionError"] == "Unhandled" and value["errorType"] == "Runtime.ExitError" and "exit status 5" in value["errorMessage"], value
    assert re.search(r"answered: HTTP/1.1 4\d\d", base64.b64decode(answer["LogResult"]).decode()), base64.b64decode(answer["LogResult"])
    assert json.loads(gust.client("lambda").invoke(FunctionName=native, Payload=b'{"a":1}')["Payload"].read()) == {"a": 1}
