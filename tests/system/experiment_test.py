# SPDX-License-Identifier: Apache-2.0
"""The experiment against a real Gust: functions and a server, reconciliation, interruption, the report made again."""
import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

import pytest
from conftest import wait_until

BINARY = os.environ.get("GUST_BINARY", "")
ARMS = "fn-512,fn-1728,svc-c4.large"
UPLOADS = 3
PICTURE = base64.b64decode(  # 200 x 150, a colour gradient
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6/+b9"
    "//j/2wBDASstLTw1PHZBQXb4pYyl+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj/wAARCACWAMgDASIAAhEB"
    "AxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS"
    "0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKz"
    "tLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgEC"
    "BAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpj"
    "ZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6"
    "/9oADAMBAAIRAxEAPwDIxS4pcUuK3EmJijFLilxQNMTFGKXFLikUmJilxS4oxSKTExS4pcUYoKTExS4pcUuKRSYmKMUuKXFIpMTFGKXFLigpMTFLilxR"
    "ikUmJilxS4pcUFJiYoxS4pcUikxMUYpcUuKQ0xMUU7FFBVylijFLilxWx4yYmKMUuKXFIpMTFLilxRikUmJilxS4oxQUmJilxS4pcUikxMUYpcUuKRSY"
    "mKMUuKXFBSYmKXFLijFIpMTFLilxRigpMMUYpcUuKQ0xMUYpcUuKRSYmKXFLijFBSYmKKdiikVcpYoxS4pcVseMmJilxS4oxSKTExS4pcUYoKTExS4pc"
    "UuKRSYmKMUuKXFIpMTFGKXFLigpMTFLilxRikUmJilxS4oxSKTExS4pcUuKBpiYoxS4pcUikxMUuKXFGKCkxMUuKXFGKRSYmKKdiikVcpYpcUuKMVseM"
    "mJilxS4oxQUmJilxS4pcUikxMUYpcUuKRSYmKMUuKXFBSYmKXFLijFIpMTFLilxRikUmJilxS4pcUDTExRilxS4pFJiYpcUYpcUFJiYpcUuKMUikxMUu"
    "KXFLikUmJiilxRQVcpYpcUuKMVseMmJilxS4pcUikxMUYpcUuKRSYmKMUuKXFBSYmKXFLijFIpMTFLilxRikUmJilxS4pcUDTExRilxS4pFJiYoxS4pc"
    "UikxMUuKXFGKCkxMUuKXFLikUmJijFLilxQUmJiilxRSKuUsUuKXFLitjxkxMUYpcUuKRSYmKMUuKXFBSYmKXFLijFIpMTFLilxRikUmJilxS4pcUDTE"
    "xRilxS4pFJiYoxS4pcUikxMUuKXFGKCkxMUuKXFGKRSYYoxS4pcUFJiYoxS4pcUikxMUU7FFIdyjilxS4pcVseOmJijFLilxQUmJilxS4oxSKTExS4pc"
    "UYpFJiYpcUuKXFA0xMUYpcUuKRSYmKMUuKXFIpMTFLilxRigpMTFLilxRikUmJilxS4pcUFJiYoxS4pcUikxMUuKMUuKRSYmKKdiigdylijFLilxWx46"
    "YmKXFLijFIpMTFLilxRikNMTFLilxS4oKTExRilxS4pFJiYoxS4pcUikxMUuKXFGKCkxMUuKXFGKRSYmKXFLilxSKTExRilxS4oKTExS4oxS4pFJiYpc"
    "UuKMUFJiYop2KKQ7lLFLijFLitjx0xMUuKXFGKQ0xMUuKXFLigpMTFGKXFLikUmJijFLilxSKTExS4pcUYoKTExS4pcUYpFJiYpcUuKXFIpMTFGKXFLi"
    "gpMTFGKXFLikUmJilxS4oxQUmJilxS4pcUhpiYopcUUirlLFLRRW546ClxRRSKQUtFFIpC4ooooKQtFFFIpC4paKKQ0FLRRQUhaKKKRSFxRRRQUhaWii"
    "kUgxS0UUikFLiiigpC0UUUhn/9k="
)


@pytest.fixture
def gust(new_gust):
    return new_gust().start("--cpu-admission", "strict")


@pytest.fixture
def images(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "gradient.jpg").write_bytes(PICTURE)
    return tmp_path / "images"


def command(gust, images, directory, *arguments):
    return [BINARY, "exp", "run", "--endpoint", gust.endpoint, "--images", str(images), "--output", str(directory), "--arms", ARMS,
            "--rounds", "1", *arguments]


def run(arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=300)


def rows(gust):
    try:
        return gust.client("dynamodb").scan(TableName="experiment-results", ConsistentRead=True)["Items"]
    except gust.client("dynamodb").exceptions.ResourceNotFoundException:
        return []


def test_every_upload_is_accounted_for_and_the_report_can_be_made_again(gust, images, tmp_path):
    done = run(command(gust, images, tmp_path / "run", "--uploads", str(UPLOADS)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agree on every upload" in done.stdout and "998.64" in done.stdout
    assert re.search(r"fn-512.* sent 3/3, done 3, failed 0", done.stderr), done.stderr

    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    arms = {arm["name"]: arm for arm in summary["arms"]}
    assert {name: arm["images"] for name, arm in arms.items()} == {name: UPLOADS for name in ARMS.split(",")}
    assert arms["fn-512"]["executions"] == UPLOADS and sum(arms["fn-512"]["cold_starts"].values()) >= 1
    assert arms["fn-512"]["cpu_ms_per_image"] > 0 and arms["fn-512"]["memory_peak_bytes"] > 1 << 20
    assert arms["svc-c4.large"]["on_seconds"] > 0 and arms["svc-c4.large"]["price_per_year"] == pytest.approx(998.64)

    again = run([BINARY, "exp", "report", str(tmp_path / "run"), "--html", str(tmp_path / "again.html")])
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "run" / "report.html").read_bytes()


def test_a_row_and_a_rendition_that_somebody_deletes_are_named(gust, images, tmp_path):
    deleted = {}

    def delete():
        """Once one arm is done and another one is at work."""
        def of_arms():
            found = {}
            for item in rows(gust):
                found.setdefault(item["arm"]["S"], []).append(item)
            return found if len(found) > 1 and any(len(items) == UPLOADS for items in found.values()) else None

        arm, items = next((arm, items) for arm, items in wait_until(of_arms, "an arm that is done").items() if len(items) == UPLOADS)
        lost, robbed = items[0], items[1]
        gust.client("dynamodb").delete_item(TableName="experiment-results", Key={"pk": lost["pk"], "sk": lost["sk"]})
        key = f"renditions/{robbed['run']['S']}/{arm}/{robbed['seq']['S']}/512.jpg"
        gust.client("s3").delete_object(Bucket=f"gust-experiment-{robbed['run']['S']}", Key=key)
        deleted.update(row=lost["seq"]["S"], rendition=key)

    thread = threading.Thread(target=delete)
    thread.start()
    done = run(command(gust, images, tmp_path / "run", "--uploads", str(UPLOADS)))
    thread.join()
    assert done.returncode == 2, done.stdout + done.stderr
    listed = done.stdout[done.stdout.index("NOT RECONCILED") :]
    assert re.search(rf"{deleted['row']}\s+acknowledged upload without a row", listed), listed
    assert re.search(rf"{re.escape(deleted['rendition'])}\s+rendition is missing", listed), listed
    page = (tmp_path / "run" / "report.html").read_text()
    assert deleted["row"] in page and deleted["rendition"] in page


def test_an_interrupt_stops_sending_and_reports_what_exists(gust, images, tmp_path):
    process = subprocess.Popen(command(gust, images, tmp_path / "run", "--uploads", "60"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: rows(gust), "a first row")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 1, output + errors
    assert "nothing more is sent" in errors
    assert "interrupted" in output and "agree on every upload" in output
    sent = len(pathlib.Path(tmp_path / "run" / "sent.jsonl").read_text().splitlines())
    assert 0 < sent < 3 * 60
    services = json.loads(gust.get("/_gust/services")[1])["services"]
    assert all(service["state"] == "stopped" for service in services)


def test_without_a_gust_the_exit_status_is_three(images, tmp_path):
    done = run([BINARY, "exp", "run", "--endpoint", "http://127.0.0.1:1", "--images", str(images), "--output", str(tmp_path / "run")])
    assert done.returncode == 3, done.stderr
    assert "gust serve" in done.stderr
