"""The phone number is nowhere but in its one home, the visitors item."""

import base64
import binascii
import gzip
import json
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.deployment import Deployment, eventually

type Places = dict[str, bytes]

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


def opened(content: bytes, depth: int = 3) -> Iterator[bytes]:
    """Yield the content, and what gzip and base64 hide in it."""
    yield content
    if depth == 0:
        return
    if content.startswith(b"\x1f\x8b"):
        yield from opened(gzip.decompress(content), depth - 1)
    for found in _BASE64.findall(content):
        padded = found.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        try:
            inner = base64.b64decode(padded + b"=" * (-len(padded) % 4), validate=True)
        except binascii.Error:
            continue
        yield from opened(inner, depth - 1)


def holds(content: bytes, phone: str) -> bool:
    """Say whether the number is in there: as written, its digits, or its digits with separators."""
    digits = phone.lstrip("+")
    loose = re.compile("[^0-9A-Za-z]{0,2}".join(digits[-10:]).encode())
    return any(loose.search(layer) for layer in opened(content))


def leaks(places: Places, phone: str) -> list[str]:
    """Name the places that hold the number."""
    return sorted(
        place
        for place, content in places.items()
        if holds(content, phone) or holds(place.encode(), phone)
    )


def everything(local: Deployment) -> Places:
    """Read every log, object, key, queue, table and parameter."""
    return {
        **dict(_objects(local)),
        **dict(_logs(local)),
        **dict(_queues(local)),
        **dict(_tables(local)),
        **dict(_steps(local)),
    }


def _objects(local: Deployment) -> Iterator[tuple[str, bytes]]:
    s3 = local.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        if not bucket["Name"].startswith(f"marquee-{local.environment}-"):
            continue
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"])
        for page in pages:
            for item in page.get("Versions", []):
                if "/wheels/" in item["Key"] or item["Key"].startswith("sam/"):
                    continue  # packages from before the form
                found = s3.get_object(
                    Bucket=bucket["Name"], Key=item["Key"], VersionId=item["VersionId"]
                )
                content = found["Body"].read() + json.dumps(found["Metadata"]).encode()
                yield f"s3://{bucket['Name']}/{item['Key']}", content


def _logs(local: Deployment) -> Iterator[tuple[str, bytes]]:
    logs = local.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            lines = [event["message"] for found in events for event in found["events"]]
            yield f"log {name}", "\n".join(lines).encode()


def _queues(local: Deployment) -> Iterator[tuple[str, bytes]]:
    sqs = local.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        # LocalStack's own look into a queue: it neither hides nor removes a message.
        answer = local.http.get(
            f"{local.endpoint}/_aws/sqs/messages", params={"QueueUrl": url, "ShowInvisible": "true"}
        )
        assert answer.status_code == 200, answer.text
        yield f"queue {url.rpartition('/')[2]}", answer.content


def _tables(local: Deployment) -> Iterator[tuple[str, bytes]]:
    dynamodb = local.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                home = table == local.parameters["visitors-table"]
                # The one home is this attribute of this table; the rest of the item must not.
                rest = {name: v for name, v in item.items() if not (home and name == "phone")}
                key = rest.get("visitor_id") or rest.get("id") or rest.get("movie_id")
                yield f"table {table} {key}", json.dumps(rest).encode()


def _steps(local: Deployment) -> Iterator[tuple[str, bytes]]:
    for step in local.steps(""):
        yield f"step {step['Id']}", json.dumps(step, default=str).encode()


@contextmanager
def xray_daemon(port: int) -> Iterator[list[bytes]]:
    """Listen where the functions' X-Ray SDK sends its segments."""
    received: list[bytes] = []
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", port))
    listener.settimeout(0.2)
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            try:
                received.append(listener.recv(65_536))
            except TimeoutError:
                continue

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        stop.set()
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def after_a_flow(deployment: Deployment) -> tuple[str, Places]:
    """Run a flow with everything that could leak, then read every place."""
    if not deployment.is_local:
        pytest.skip("reads every log, queue and table: only where nobody else's are")
    phone = "+16465550199"
    with xray_daemon(deployment.xray_port) as segments:
        form, key = deployment.form(phone), uuid.uuid4().hex
        created = deployment.post(form, key).json()
        deployment.post(form, key)
        deployment.post(form | {"name": "Somebody else"}, key)
        deployment.post(form | {"phone": phone + "9"})
        deployment.post(form | {"ratings": []})
        deployment.http.post(
            f"{deployment.api_url}/visitors",
            content=json.dumps(form)[:-1],
            headers={"Content-Type": "application/json"},
        )
        eventually(lambda: deployment.texts(phone), bool, "the text")
        eventually(lambda: b"send-text" in b"".join(segments), bool, "its trace", seconds=30)
        places = everything(deployment)
        places |= {f"trace {number}": segment for number, segment in enumerate(segments)}
    assert created["visitor_id"]
    return phone, places


def test_the_search_reads_every_kind_of_place(after_a_flow: tuple[str, Places]) -> None:
    _, places = after_a_flow
    kinds = {place.split(" ")[0].split("/")[0] for place in places}
    assert kinds == {"s3:", "log", "queue", "table", "step", "trace"}


def test_the_phone_number_is_nowhere_but_in_its_home(after_a_flow: tuple[str, Places]) -> None:
    phone, places = after_a_flow
    assert leaks(places, phone) == []


def test_the_phone_number_is_in_its_home(
    deployment: Deployment, after_a_flow: tuple[str, Places]
) -> None:
    phone, _ = after_a_flow
    items = deployment.client("dynamodb").scan(TableName=deployment.parameters["visitors-table"])
    assert phone in [item.get("phone", {}).get("S") for item in items["Items"]]


def plain(phone: str) -> bytes:
    return f"to {phone}".encode()


def digits_only(phone: str) -> bytes:
    return phone.lstrip("+").encode()


def spaced(phone: str) -> bytes:
    return f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}".encode()


def zipped(phone: str) -> bytes:
    return gzip.compress(phone.encode())


def encoded(phone: str) -> bytes:
    return b'{"body":"' + base64.b64encode(b'{"phone":"' + phone.encode() + b'"}') + b'"}'


def zipped_then_encoded(phone: str) -> bytes:
    return base64.b64encode(gzip.compress(b"x" * 20 + phone.encode()))


@pytest.mark.parametrize("hide", [plain, digits_only, spaced, zipped, encoded, zipped_then_encoded])
def test_a_planted_leak_is_found_in_an_object_and_in_a_log(
    local: Deployment, after_a_flow: tuple[str, Places], hide: Any
) -> None:
    phone, _ = after_a_flow
    bucket, content = local.parameters["artifacts-bucket"], hide(phone)
    key, group = f"planted/{uuid.uuid4().hex}", "/aws/lambda/marquee-local-ingest"
    stream = uuid.uuid4().hex
    s3, logs = local.client("s3"), local.client("logs")
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    message = content.decode("latin-1")
    if message.isprintable():
        event = {"timestamp": 1_795_291_200_000, "message": message}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
    try:
        found = leaks(everything(local), phone)
    finally:
        listed = s3.list_object_versions(Bucket=bucket, Prefix=key)
        for version in listed["Versions"]:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
        logs.delete_log_stream(logGroupName=group, logStreamName=stream)
    assert f"s3://{bucket}/{key}" in found
    assert (f"log {group}" in found) == message.isprintable()
