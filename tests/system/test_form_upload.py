# SPDX-License-Identifier: Apache-2.0
"""The article's way of uploading: a page of another origin, in a real browser, sends a file with a signed POST policy to a
bucket and reads it back by a presigned URL, as far as the bucket's CORS configuration lets it."""
import contextlib
import hashlib
import html
import http.server
import json
import threading
import urllib.parse

import botocore.config
import boto3
import pytest

from browser import Browser
from conftest import gusts

SCRIPT = """
const upload = async (post, text) => {
  const form = new FormData();
  for (const [name, value] of Object.entries(post.fields)) form.append(name, value);
  form.append('file', new Blob([text], {type: 'text/plain'}), 'note.txt');
  const answer = await fetch(post.url, {method: 'POST', body: form});
  return {status: answer.status, etag: answer.headers.get('etag'), text: await answer.text()};
};
const send = async (url, method, text, headers) => {
  const answer = await fetch(url, {method, body: text, headers, cache: 'no-store'});
  return {status: answer.status, etag: answer.headers.get('etag'), text: await answer.text()};
};
const sha256 = async (url) => {
  const bytes = await (await fetch(url, {cache: 'no-store'})).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...hash].map((b) => b.toString(16).padStart(2, '0')).join('');
};
const outcome = (promise) => promise.catch((e) => ({refused: e.name + ': ' + e.message}));
"""


class Site(http.server.ThreadingHTTPServer):
    """A web application on a port, hence an origin, of its own. `form`: fields of the form that /form shows."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), SiteHandler)
        self.form = {}
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class SiteHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"<!doctype html><title>site</title><script>{SCRIPT}</script>"
        if self.path == "/form":
            form = self.server.form
            fields = "".join(f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in form["fields"].items())
            body += (f'<form action="{html.escape(form["url"])}" method="post" enctype="multipart/form-data">{fields}'
                     '<input type="file" name="file"><input type="submit" name="submit" value="Upload"></form>')
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def strict(work, runtimes):
    """Signatures are verified: what the page does rests on the policy and on nothing else."""
    with gusts(work, runtimes) as make:
        yield make().start(dev=False)


def client_of(gust, **config):
    key = json.loads((gust.state / "credentials.json").read_text())["keys"][0]
    return boto3.client("s3", endpoint_url=gust.endpoint, region_name="us-east-1", aws_access_key_id=key["access_key_id"],
                        aws_secret_access_key=key["secret_access_key"], config=botocore.config.Config(signature_version="s3v4", **config))


@pytest.fixture(scope="module")
def s3(strict):
    return client_of(strict)


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def site():
    with contextlib.closing(Site()) as running:
        running.close = running.shutdown
        yield running


@pytest.fixture
def bucket(s3, request):
    name = "form-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    s3.create_bucket(Bucket=name)
    return name


def allow(s3, bucket, origin):
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "PUT", "POST"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def post_for(s3, bucket, key, *conditions, **fields):
    return s3.generate_presigned_post(bucket, key, Fields=fields, Conditions=[*({k: v} for k, v in fields.items()), *conditions])


def upload(page, post, text):
    return page.run(f"outcome(upload({json.dumps(post)}, {json.dumps(text)}))")


def presigned(s3, method, bucket, key, **more):
    return s3.generate_presigned_url(method, Params={"Bucket": bucket, "Key": key, **more})


def test_a_page_uploads_and_reads_where_cors_allows_it(s3, bucket, browser, site):
    page = browser.open(site.origin + "/")
    post = post_for(s3, bucket, "in/${filename}", ["content-length-range", 1, 1000], success_action_status="201")
    read = presigned(s3, "get_object", bucket, "in/note.txt")
    refused = upload(page, post, "before")
    assert "TypeError" in refused.get("refused", ""), refused
    assert "TypeError" in page.run(f"outcome(send({json.dumps(read)}, 'GET'))")["refused"]

    allow(s3, bucket, site.origin)
    done = upload(page, post, "hällo")
    assert done["status"] == 201, done
    assert done["etag"] == '"' + hashlib.md5("hällo".encode()).hexdigest() + '"', "ETag is exposed"
    assert f"<Bucket>{bucket}</Bucket><Key>in/note.txt</Key>" in done["text"]
    assert page.run(f"outcome(send({json.dumps(read)}, 'GET'))")["text"] == "hällo"
    assert s3.get_object(Bucket=bucket, Key="in/note.txt")["Body"].read() == "hällo".encode()

    allow(s3, bucket, "https://elsewhere.example.com")
    assert "TypeError" in page.run(f"outcome(send({json.dumps(read)}, 'GET'))")["refused"]
    s3.delete_bucket_cors(Bucket=bucket)
    assert "TypeError" in page.run(f"outcome(send({json.dumps(read)}, 'GET'))")["refused"]


def test_a_page_sees_why_its_form_is_refused(s3, bucket, browser, site):
    allow(s3, bucket, site.origin)
    page = browser.open(site.origin + "/")
    post = post_for(s3, bucket, "k", ["content-length-range", 1, 4])
    assert upload(page, post, "1234")["status"] == 204
    large = upload(page, post, "12345")
    assert large["status"] == 400 and "<Code>EntityTooLarge</Code>" in large["text"], large
    forged = {**post, "fields": {**post["fields"], "x-amz-signature": "0" * 64}}
    answer = upload(page, forged, "1234")
    assert answer["status"] == 403 and "<Code>SignatureDoesNotMatch</Code>" in answer["text"], answer
    other = {**post, "fields": {**post["fields"], "key": "other"}}
    answer = upload(page, other, "1234")
    assert answer["status"] == 403 and "<Code>AccessDenied</Code>" in answer["text"], answer
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_a_preflight_precedes_a_presigned_put(s3, bucket, browser, site):
    page = browser.open(site.origin + "/")
    url = presigned(s3, "put_object", bucket, "p.json", ContentType="application/json")
    put = f"outcome(send({json.dumps(url)}, 'PUT', '[1]', {{'Content-Type': 'application/json'}}))"
    assert "TypeError" in page.run(put)["refused"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket), "the preflight was refused, so nothing was sent"
    allow(s3, bucket, site.origin)
    assert page.run(put)["status"] == 200
    assert s3.get_object(Bucket=bucket, Key="p.json")["ContentType"] == "application/json"


def test_a_form_without_script_goes_on_where_it_says(s3, bucket, browser, site, tmp_path):
    data = bytes(range(256)) * 4096  # 1 MiB: becomes a file on both sides
    (tmp_path / "picture.bin").write_bytes(data)
    back = site.origin + "/done"
    site.form = post_for(s3, bucket, "pictures/${filename}", success_action_redirect=back)
    page = browser.open(site.origin + "/form")
    page.choose_file("input[type=file]", tmp_path / "picture.bin")
    page.run("document.querySelector('input[type=submit]').click()")
    page.wait_for("location.pathname === '/done' && document.readyState === 'complete'")
    told = dict(urllib.parse.parse_qsl(page.run("location.search").lstrip("?")))
    assert told == {"bucket": bucket, "key": "pictures/picture.bin", "etag": f'"{hashlib.md5(data).hexdigest()}"'}
    assert s3.get_object(Bucket=bucket, Key="pictures/picture.bin")["Body"].read() == data
    allow(s3, bucket, site.origin)
    assert page.run(f"sha256({json.dumps(presigned(s3, 'get_object', bucket, 'pictures/picture.bin'))})") == hashlib.sha256(data).hexdigest()


def test_everybody_reads_a_public_object_and_nothing_else(s3, bucket, browser, site):
    s3.put_object(Bucket=bucket, Key="open/a.txt", Body=b"for all", ContentType="text/plain")
    s3.put_object(Bucket=bucket, Key="b.txt", Body=b"not for all", ContentType="text/plain")
    allow(s3, bucket, site.origin)
    page = browser.open(site.origin + "/")
    url = f"{s3.meta.endpoint_url}/{bucket}/"
    get = lambda key: page.run(f"outcome(send({json.dumps(url + key)}, 'GET'))")
    assert get("open/a.txt")["status"] == 403
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/open/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert get("open/a.txt") == {"status": 200, "etag": f'"{hashlib.md5(b"for all").hexdigest()}"', "text": "for all"}
    assert get("b.txt")["status"] == 403
    assert page.run(f"outcome(send({json.dumps(url + 'open/a.txt')}, 'PUT', 'x'))")["status"] == 403
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert get("open/a.txt")["status"] == 403
