# SPDX-License-Identifier: Apache-2.0
"""See ./run. The request of an input case must decode to the case's parameters; what we encode of an output case's result must
be understood by botocore's parser as that result; errors likewise. Cases in exclusions.txt must fail (else the entry goes)."""
import base64
import copy
import json
import pathlib
import re
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

SOURCE, BUILD, JUNIT = map(pathlib.Path, sys.argv[1:4])
ONLY = sys.argv[4] if len(sys.argv) > 4 else ""
sys.path.insert(0, str(SOURCE))
import driver  # noqa: E402
import services  # noqa: E402
import vectors  # noqa: E402
from botocore.awsrequest import HeadersDict  # noqa: E402
from botocore.model import NoShapeFoundError, OperationModel, ServiceModel  # noqa: E402
from botocore.parsers import create_parser  # noqa: E402
from botocore.utils import parse_timestamp  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CASES = SOURCE / "tests/unit/protocols"


class Wrong(Exception):
    pass


class Case:
    def __init__(self, direction, file, suite, case, table):
        self.direction, self.suite, self.case, self.table = direction, suite, case, table
        self.operation = case["given"].get("name", "OperationName")
        self.name = f"{direction}/{file}/{case.get('id') or case['description']}"
        self.protocol = suite["metadata"]["protocol"]
        self.shapes = suite["shapes"]


def load():
    """All cases and the models that their suites need."""
    cases, models = [], []
    for direction in ("input", "output"):
        for path in sorted((CASES / direction).glob("*.json")):
            for suite in json.loads(path.read_text()):
                model = {"metadata": suite["metadata"], "shapes": copy.deepcopy(suite["shapes"]), "operations": {}}
                for case in suite["cases"]:
                    given = copy.deepcopy(case["given"])
                    given.setdefault("http", {"method": "POST", "requestUri": "/"})
                    given["http"].setdefault("method", "POST")
                    given["http"].setdefault("requestUri", "/")
                    model["operations"][given.get("name", "OperationName")] = given
                    cases.append(Case(direction, path.stem, suite, case, len(models)))
                models.append(("protocol-case", model))
    names = set()
    for case in cases:
        while case.name in names:
            case.name += "+"
        names.add(case.name)
    return cases, models


# ---- values in the terms of a shape, as the driver writes them

def typed(shapes, name, value, spec={}):
    shape = shapes[name]
    kind = shape["type"]
    if value is None or shape.get("document"):
        return value
    if kind == "structure":
        return {k: typed(shapes, m["shape"], value[k], m) for k, m in shape["members"].items() if value.get(k) is not None}
    if kind == "list":
        return [typed(shapes, shape["member"]["shape"], v) for v in value]
    if kind == "map":
        return {k: typed(shapes, shape["value"]["shape"], v) for k, v in value.items()}
    if kind == "blob":
        return {"$blob": base64.b64encode(value.encode()).decode()}
    if kind == "timestamp":
        return {"$time": round(value * 1000)}
    if kind in ("float", "double"):
        return {"$real": value} if isinstance(value, str) else value
    return json.dumps(value) if spec.get("jsonvalue") and not isinstance(value, str) else value


def without_named(shapes, name, got, wanted):
    """A map of all parameters of a query holds those too that members of their own are for; a client's has only the others."""
    members = shapes[name].get("members", {})
    named = {m.get("locationName") for m in members.values() if m.get("location") == "querystring"}
    for key, m in members.items():
        if m.get("location") == "querystring" and shapes[m["shape"]]["type"] == "map" and key in got:
            kept = {k: v for k, v in got[key].items() if k not in named or k in wanted.get(key, {})}
            got = {**got, key: kept} if kept or key in wanted else {k: v for k, v in got.items() if k != key}
    return got


def same(shapes, name, a, b, spec={}):
    """Whether two typed values are one; text that is JSON by what it says."""
    if shapes[name]["type"] == "structure" and isinstance(a, dict) and isinstance(b, dict) and not shapes[name].get("document"):
        members = shapes[name]["members"]
        return a.keys() == b.keys() and all(k in members and same(shapes, members[k]["shape"], a[k], b[k], members[k]) for k in a)
    if spec.get("jsonvalue") and isinstance(a, str) and isinstance(b, str):
        return json.loads(a) == json.loads(b)
    return type(a) is type(b) and a == b or isinstance(a, (int, float)) and isinstance(b, (int, float)) and a == b


# ---- input cases

def question_of(case):
    sent = case.case["serialized"]
    uri = sent.get("uri", "/")
    headers = [[k, v] for k, v in sent.get("headers", {}).items()]
    body = sent.get("body", "")
    body = base64.b64decode(body) if case.protocol == "smithy-rpc-v2-cbor" else body.encode()
    return dict(do="decode", table=case.table, method=sent.get("method", "POST"), path=uri.partition("?")[0],
                query=uri.partition("?")[2], headers=headers, body=base64.b64encode(body).decode())


def check_input(case, answer):
    if "error" in answer:
        raise Wrong(f"refused: {answer['error']}")
    if answer["operation"] != case.operation:
        raise Wrong(f"operation {answer['operation']}")
    given = case.case["given"]
    if "input" not in given:
        return
    shape = given["input"]["shape"]
    expected = typed(case.shapes, shape, case.case["params"])
    got = without_named(case.shapes, shape, answer["input"], expected)
    if not same(case.shapes, shape, got, expected):
        raise Wrong(f"decoded {json.dumps(answer['input'])}\nwanted {json.dumps(expected)}")


# ---- output cases

def epoch(value):
    return parse_timestamp(value).timestamp()


def text_of(value):
    """What a parser gives, as the cases write it."""
    if isinstance(value, dict):
        return {k: text_of(v) for k, v in value.items()}
    if isinstance(value, list):
        return [text_of(v) for v in value]
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


def parsed(case, answer):
    description = copy.deepcopy(case.suite)
    description["operations"] = {case.operation: case.case}
    model = ServiceModel(description)
    operation = OperationModel(case.case["given"], model)
    parser = create_parser(case.protocol)
    parser._timestamp_parser = epoch
    output = operation.output_shape
    if case.protocol == "query" and output is not None and output.members:
        output.serialization["resultWrapper"] = case.operation + "Result"
    headers = HeadersDict()
    for name, value in answer["headers"]:
        headers[name] = value
    response = {"status_code": answer["status"], "headers": headers, "body": base64.b64decode(answer["body"]),
                "context": {"operation_name": case.operation}}
    result = parser.parse(response, output)
    if "error" in case.case:
        try:
            shape = model.shape_for_error_code(result.get("Error", {}).get("Code"))
            result.update(parser.parse(response, shape))
        except NoShapeFoundError:
            pass
        error = result.get("Error", {})
        result["Error"] = {"Code": error.get("Code"), "Message": error.get("Message") or ""}
    result.pop("ResponseMetadata", None)
    return text_of(result)


def error_shape(case):
    for name, shape in case.shapes.items():
        if shape.get("exception") and case.case["errorCode"] in (name, shape.get("error", {}).get("code")):
            return name
    return None


def output_of(case):
    """Typed members of the answer or error; of an error its code and message too."""
    if "error" not in case.case:
        given = case.case["given"]
        return typed(case.shapes, given["output"]["shape"], case.case["result"]) if "output" in given else {}
    name = error_shape(case)
    members = typed(case.shapes, name, case.case["error"]) if name else {}
    members = {k: v for k, v in members.items() if k not in ("Message", "message")}
    return {"code": case.case["errorCode"], "message": case.case.get("errorMessage", ""), "members": members}


def ask_output(case, interpreter, output):
    if "error" not in case.case:
        return interpreter.ask(do="encode", table=case.table, operation=case.operation, protocol=case.protocol, output=output)
    return interpreter.ask(do="error", table=case.table, protocol=case.protocol, status=case.case["response"]["status_code"],
                           **output)


def check_output(case, answer):
    if "error" in case.case:
        expected = {"Error": {"Code": case.case.get("errorCode", ""), "Message": case.case.get("errorMessage", "")}}
        expected.update(case.case["error"])
    else:
        expected = case.case["result"]
    wanted = case.case["response"].get("status_code", 200)
    if answer["status"] != wanted:
        raise Wrong(f"status {answer['status']} instead of {wanted}")
    result = parsed(case, answer)
    if result != expected:
        raise Wrong(f"understood as {json.dumps(result)}\nwanted {json.dumps(expected)}\n"
                    f"wrote {base64.b64decode(answer['body'])!r} {answer['headers']}")


ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def form(value):
    """A document without what may differ: members that are null, the spelling of one instant."""
    if isinstance(value, dict):
        return {k: form(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [form(v) for v in value]
    return epoch(value) if isinstance(value, str) and ISO.fullmatch(value) else value


def xml_form(node):
    """Of an answer's document what is the service's: without white space, order of siblings and what names the request."""
    name = node.tag.rpartition("}")[2]
    children = sorted(xml_form(c) for c in node if c.tag.rpartition("}")[2].lower() not in ("requestid", "responsemetadata"))
    return (name, sorted(node.attrib.items()), str(form((node.text or "").strip())) if not children else "", children)


def check_bytes(case, answer):
    """What we wrote is what the case shows: botocore's parser is lenient (it takes a timestamp in any form)."""
    shown, wrote = case.case["response"].get("body", ""), base64.b64decode(answer["body"])
    if not shown.strip() or "error" in case.case:
        return
    if case.protocol == "smithy-rpc-v2-cbor":
        parser = create_parser(case.protocol)
        read = lambda b: repr(sorted(parser.parse_data_item(parser.get_peekable_stream_from_bytes(b)).items())) if b else "[]"  # noqa: E731
        shown, wrote = read(base64.b64decode(shown)), read(wrote)
    elif case.protocol in ("json", "rest-json") and shown.strip()[0] in "{[":
        shown, wrote = form(json.loads(shown)), form(json.loads(wrote or b"{}"))
    elif shown.strip().startswith("<"):
        shown, wrote = xml_form(ET.fromstring(shown.strip())), xml_form(ET.fromstring(wrote))
    else:
        wrote = wrote.decode()
    if shown != wrote:
        raise Wrong(f"wrote {wrote}\nshown {shown}")


# ---- the run

def spoiled(value):
    """The typed value with its first scalar changed; None where it holds none."""
    if isinstance(value, dict) and value.keys() & {"$blob", "$time", "$real"}:
        if "$blob" in value:
            return {"$blob": base64.b64encode(base64.b64decode(value["$blob"]) + b"x").decode()}
        return {"$time": value["$time"] + 1000} if "$time" in value else {"$real": "NaN" if value["$real"] != "NaN" else "Infinity"}
    if isinstance(value, (dict, list)):
        for key, v in value.items() if isinstance(value, dict) else enumerate(value):
            bad = spoiled(v)
            if bad is not None:
                copied = copy.copy(value)
                copied[key] = bad
                return copied
        return None
    if isinstance(value, bool):
        return not value
    return value + "x" if isinstance(value, str) else value + 1 if isinstance(value, (int, float)) else None


def judge(check, *arguments):
    try:
        check(*arguments)
    except Wrong as e:
        return str(e)
    except Exception as e:  # botocore's parser on what we wrote
        return f"{type(e).__name__}: {e}"
    return None


def exclusions():
    out = {}
    for line in (HERE / "exclusions.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(": ")
            out[name] = reason
    return out


def run_case(case, interpreter, excluded):
    """(what is wrong or None, whether the check was seen to notice a wrong value: None where the case has none)."""
    if case.direction == "input":
        answer = interpreter.ask(**question_of(case))
        wrong = judge(check_input, case, answer)
        bad = spoiled(answer.get("input", {}))
        seen = None if bad is None or "input" not in case.case["given"] else judge(check_input, case, {**answer, "input": bad}) is not None
        return wrong, seen
    output = output_of(case)
    answer = ask_output(case, interpreter, output)
    wrong = judge(check_output, case, answer)
    if f"bytes {case.name}" not in excluded:
        wrong = wrong or judge(check_bytes, case, answer)
    elif judge(check_bytes, case, answer) is None:
        wrong = wrong or "has the shown bytes, but exclusions.txt lists it"
    bad = spoiled(output)
    return wrong, None if bad is None else judge(check_output, case, ask_output(case, interpreter, bad)) is not None


def run(cases, interpreter):
    """List of (name, what is wrong or None, reason of exclusion or None)."""
    results, unnoticed, excluded = [], {}, exclusions()
    names = {c.name for c in cases}
    for case in cases:
        wrong, seen = run_case(case, interpreter, excluded)
        reason = excluded.get(case.name)
        if reason and wrong is None:
            wrong, reason = "passes, but exclusions.txt lists it", None
        results.append((case.name, None if reason else wrong, reason))
        if seen is not None and not wrong:
            unnoticed.setdefault(case.name.rpartition("/")[0], []).extend([] if seen else [case.name])
    for group, blind in unnoticed.items():  # the checks themselves: a planted wrong value is noticed
        results.append((f"planted/{group}", f"a wrong value was not noticed in {' '.join(blind)}" if blind else None, None))
    for name in excluded if not ONLY else ():
        if name.removeprefix("bytes ") not in names:
            results.append((name, "exclusions.txt lists it, but there is no such case", None))
    return results


def main():
    start = time.monotonic()
    cases, models = load()
    with tempfile.TemporaryDirectory() as work:
        interpreter = driver.Driver(driver.build_driver(models, BUILD, pathlib.Path(work)))
        print(f"{len(cases)} cases; built in {time.monotonic() - start:.0f} s", flush=True)
        results = run([c for c in cases if ONLY in c.name], interpreter)
        results += vectors.run(interpreter, SOURCE / "tests/unit/auth/aws4_testsuite", ONLY)
        results += services.run(interpreter, driver.generate.SERVICES, ONLY)
        if interpreter.close() != 0:
            results.append(("driver", "ended badly", None))
    report(results)
    return 1 if any(wrong for _, wrong, _ in results) else 0


def report(results):
    failed = [(name, wrong) for name, wrong, _ in results if wrong]
    skipped = [name for name, wrong, reason in results if reason and not wrong]
    suite = ET.Element("testsuite", name="protocol", tests=str(len(results)), failures=str(len(failed)), errors="0",
                       skipped=str(len(skipped)))
    for name, wrong, reason in results:
        test = ET.SubElement(suite, "testcase", classname="protocol." + name.rpartition("/")[0].replace("/", "."),
                             name=name.rpartition("/")[2])
        if wrong:
            ET.SubElement(test, "failure", message=wrong.splitlines()[0][:200]).text = wrong
        elif reason:
            ET.SubElement(test, "skipped", message=reason)
    ET.ElementTree(suite).write(JUNIT, encoding="unicode")
    for name, wrong in failed:
        print(f"FAILED {name}\n{wrong}\n")
    print(f"protocol: {len(results) - len(failed) - len(skipped)} passed, {len(failed)} failed, {len(skipped)} excluded")


sys.exit(main())
