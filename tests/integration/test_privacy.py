"""The phone number is stored in one place only: the visitor's item in the visitors table."""

import base64
import binascii
import gzip
import json
import re
import socket
import tempfile
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.deployment import RunningDeployment, Visitor, eventually
from tests.integration.phones import Phones

type Places = dict[str, bytes]
type Files = set[tuple[Path, int]]
type Versions = set[tuple[str, str, str, datetime]]

# Names of files that the emulator and the X-Ray SDK create in the machine's temporary folder.
OURS = ("localemu*", "localstack*", "function-*", "emr-*", ".aws-xray")
GZIP = b"\x1f\x8b"
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


def unzipped(content: bytes) -> bytes:
    """Return the readable content of leading gzip members; other bytes may follow them."""
    found = []
    while content.startswith(GZIP):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            found.append(member.decompress(content))
        except zlib.error:
            break
        content = member.unused_data
    return b"".join(found)


def opened(content: bytes, depth: int = 3) -> Iterator[bytes]:
    """Yield the content and everything that is gzipped or base64-encoded in it, to a depth."""
    yield content
    if depth == 0:
        return
    if content.startswith(GZIP):
        yield from opened(unzipped(content), depth - 1)
    for found in _BASE64.findall(content):
        padded = found.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        try:
            inner = base64.b64decode(padded + b"=" * (-len(padded) % 4), validate=True)
        except binascii.Error:
            continue
        yield from opened(inner, depth - 1)


def holds(content: bytes, phone: str) -> bool:
    """Return whether the content holds the number's last ten digits, perhaps with separators."""
    digits = phone.lstrip("+")
    loose = re.compile("[^0-9A-Za-z]{0,2}".join(digits[-10:]).encode())
    return any(loose.search(layer) for layer in opened(content))


def leaks(places: Places, phone: str) -> list[str]:
    """Return the places whose name or content holds the number."""
    return sorted(
        place
        for place, content in places.items()
        if holds(content, phone) or holds(place.encode(), phone)
    )


@dataclass(frozen=True)
class Older:
    """Objects and files that existed before the tests gave a phone number."""

    versions: Versions
    files: Files


def everything(local: RunningDeployment, older: Older) -> Places:
    """Read every log, object, key, queue, table, step, parameter and file, except older ones."""
    return {
        **dict(_files(local, older)),
        **dict(_objects(local, older)),
        **dict(_logs(local)),
        **dict(_queues(local)),
        **dict(_tables(local)),
        **dict(_steps(local)),
        **dict(_parameters(local)),
    }


def versions(local: RunningDeployment) -> Versions:
    """Return every version of every object: bucket, key, version id and time of writing."""
    s3 = local.client("s3")
    return {
        (bucket["Name"], item["Key"], item["VersionId"], item["LastModified"])
        for bucket in s3.list_buckets()["Buckets"]
        if bucket["Name"].startswith(f"marquee-{local.environment}-")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"])
        for item in page.get("Versions", [])
    }


def _objects(local: RunningDeployment, older: Older) -> Iterator[tuple[str, bytes]]:
    """Yield the objects, except older ones, which cannot hold a number.

    Rows of the catalogue can look like one: 53,155,5.0,175… reads as 531 555-0175. That happens
    for one number in 400.
    """
    s3 = local.client("s3")
    for bucket, key, version, _ in sorted(versions(local) - older.versions):
        found = s3.get_object(Bucket=bucket, Key=key, VersionId=version)
        address = f"s3://{bucket}/{key}"
        yield address, found["Body"].read()
        if found["Metadata"]:
            yield f"{address} metadata", json.dumps(found["Metadata"]).encode()


def files(local: RunningDeployment) -> Files:
    """Return every file of the local AWS on this machine, with the time of its last change (ns)."""
    machine = Path(tempfile.gettempdir())
    found = [path for name in OURS for path in machine.glob(name)]
    changed: Files = set()
    for path in [local.state, *found]:
        for file in path.rglob("*"):
            with suppress(OSError):  # deleted meanwhile
                changed.add((file, file.stat().st_mtime_ns))
    return changed


def _files(local: RunningDeployment, older: Older) -> Iterator[tuple[str, bytes]]:
    for path, _ in sorted(files(local) - older.files):
        with suppress(OSError):  # a folder, a socket, or deleted meanwhile
            yield f"file {path}", path.read_bytes()


def _logs(local: RunningDeployment) -> Iterator[tuple[str, bytes]]:
    logs = local.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            lines = [event["message"] for found in events for event in found["events"]]
            yield f"log {name}", "\n".join(lines).encode()


def _queues(local: RunningDeployment) -> Iterator[tuple[str, bytes]]:
    names = (url.rpartition("/")[2] for url in local.client("sqs").list_queues()["QueueUrls"])
    for name in names:
        queue = name.removeprefix(f"marquee-{local.environment}-")
        yield f"queue {queue}", local.peek(queue).encode()


def _tables(local: RunningDeployment) -> Iterator[tuple[str, bytes]]:
    dynamodb = local.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        schema = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
        names = [part["AttributeName"] for part in schema]
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                home = table == local.parameters["visitors-table"]
                # Only this attribute of this table may hold the number.
                rest = {name: v for name, v in item.items() if not (home and name == "phone")}
                key = "/".join(value for name in names for value in item[name].values())
                yield f"table {table} {key}", json.dumps(rest).encode()


def _steps(local: RunningDeployment) -> Iterator[tuple[str, bytes]]:
    pages = local.client("emr").get_paginator("list_steps")
    for page in pages.paginate(ClusterId=local.parameters["cluster-id"]):
        for step in page["Steps"]:
            yield f"step {step['Id']}", json.dumps(step, default=str).encode()


def _parameters(local: RunningDeployment) -> Iterator[tuple[str, bytes]]:
    pages = local.client("ssm").get_paginator("get_parameters_by_path")
    for page in pages.paginate(Path="/", Recursive=True, WithDecryption=True):
        for parameter in page["Parameters"]:
            yield f"parameter {parameter['Name']}", json.dumps(parameter, default=str).encode()


@contextmanager
def xray_daemon(port: int) -> Iterator[list[bytes]]:
    """Listen on the UDP port to which the functions' X-Ray SDK sends segments; yield them."""
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


# SNS errors and the status that the visitor must end with. The error messages hold the number, as
# those of SNS do.
REFUSALS = {
    ("Publish", "InvalidParameter"): "failed",
    ("Publish", "Throttling"): "texted",
    ("CheckIfPhoneNumberIsOptedOut", "InvalidParameter"): "texted",
    ("CheckIfPhoneNumberIsOptedOut", "Throttling"): "texted",
}
PHONE_PARAMETER = {"Publish": "PhoneNumber", "CheckIfPhoneNumberIsOptedOut": "phoneNumber"}


@dataclass(frozen=True)
class Flown:
    """Everything that could hold a phone number after the visitors' requests have ended."""

    phone: str
    refused: dict[tuple[str, str], str]
    statuses: dict[tuple[str, str], str]
    older: Older
    places: Places
    faults_left: list[dict[str, Any]]

    @property
    def phones(self) -> list[str]:
        return [self.phone, *self.refused.values()]


def post_in_every_way(local: RunningDeployment, phone: str) -> Visitor:
    """Give the number in every way.

    Check it, post a form as valid, repeated, changed, invalid and truncated, then put the phone.
    """
    for number, expected in ((phone, 200), (phone + "9", 422)):
        typed = {"phone": number, "country": "US"}
        assert local.http.post(f"{local.api_url}/phones", json=typed).status_code == expected
    form, key = local.form(phone), uuid.uuid4().hex
    body = local.post(form, key).json()
    local.post(form, key)
    local.post(form | {"name": "Somebody else"}, key)
    local.post(form | {"phone": phone + "9"})
    local.post(form | {"ratings": []})
    local.http.post(
        f"{local.api_url}/visitors",
        content=json.dumps(form)[:-1],
        headers={"Content-Type": "application/json"},
    )
    page = f"{local.api_url}/visitors/{body['visitor_id']}"
    own = {"Authorization": f"Bearer {body['token']}", "If-Match": '"1"'}
    for number, expected in ((phone + "9", 422), (phone, 200), (phone, 412)):
        given = {"phone": number, "consent": True, "proof": local.proof()}
        answer = local.http.put(f"{page}/phone", json=given, headers=own)
        assert answer.status_code == expected, answer.text
    return Visitor(body["visitor_id"], body["token"], phone, body["picks"])


@pytest.fixture(scope="module")
def flown(deployment: RunningDeployment, phones: Phones) -> Flown:
    """Post one visitor in every way and one for each refusal of SNS, then read every place."""
    if not deployment.is_local:
        pytest.skip("reads every log, queue and table: only where nobody else's are")
    local, refused = deployment, {refusal: phones.one() for refusal in REFUSALS}
    older = Older(versions(local), files(local))
    for (operation, error), phone in refused.items():
        message = f"Invalid parameter: {PHONE_PARAMETER[operation]} Reason: {phone} is not valid"
        of_hers = {PHONE_PARAMETER[operation]: phone}
        local.plant("sns", operation, error=error, message=message, parameters=of_hers)
    # A throttled text is delivered again; the queue's own visibility timeout outlasts the test.
    with xray_daemon(local.xray_port) as segments, local.visible_again_after(texts=8):
        visitor = post_in_every_way(local, phones.one())
        others = {refusal: local.register(local.form(phone)) for refusal, phone in refused.items()}
        assert local.follow(visitor)["status"] == "texted"
        statuses = {refusal: local.follow(other)["status"] for refusal, other in others.items()}
        local.until_handled(*(one.visitor_id for one in (visitor, *others.values())))
        eventually(lambda: b"send-text" in b"".join(segments), bool, "its trace", seconds=120)
        places = everything(local, older) | traces(segments)
    left = local.faults()
    local.forget_faults()
    return Flown(visitor.phone or "", refused, statuses, older, places, left)


def traces(segments: list[bytes]) -> Places:
    return {f"trace {number}": segment for number, segment in enumerate(segments)}


def kinds(places: Iterable[str]) -> set[str]:
    return {place.split(" ")[0].split("/")[0] for place in places}


def test_the_search_reads_every_kind_of_place(flown: Flown) -> None:
    assert kinds(flown.places) == {
        *("s3:", "log", "queue", "table", "step", "trace", "parameter", "file")
    }


def test_sns_failed_in_every_planned_way(flown: Flown) -> None:
    assert flown.faults_left == []
    assert flown.statuses == REFUSALS


def test_the_phone_number_is_nowhere_but_in_its_table(flown: Flown) -> None:
    assert {phone: leaks(flown.places, phone) for phone in flown.phones} == {
        phone: [] for phone in flown.phones
    }


def test_the_phone_number_is_in_its_table(local: RunningDeployment, flown: Flown) -> None:
    items = local.client("dynamodb").scan(TableName=local.parameters["visitors-table"])["Items"]
    at_home = {item["phone"]["S"] for item in items if "phone" in item}
    assert at_home >= set(flown.phones)


def plain(phone: str) -> bytes:
    return f"to {phone}".encode()


def digits_only(phone: str) -> bytes:
    return phone.lstrip("+").encode()


def spaced(phone: str) -> bytes:
    return f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}".encode()


def dotted(phone: str) -> bytes:
    return f"+1.{phone[2:5]}.{phone[5:8]}.{phone[8:]}".encode()


def zipped(phone: str) -> bytes:
    return gzip.compress(phone.encode())


def encoded(phone: str) -> bytes:
    return b'{"body":"' + base64.b64encode(b'{"phone":"' + phone.encode() + b'"}') + b'"}'


def zipped_then_encoded(phone: str) -> bytes:
    return base64.b64encode(gzip.compress(b"x" * 20 + phone.encode()))


@pytest.mark.parametrize(
    "hide", [plain, digits_only, spaced, dotted, zipped, encoded, zipped_then_encoded]
)
def test_the_search_finds_the_number_in_any_notation(hide: Callable[[str], bytes]) -> None:
    phone = "+14155550123"
    assert leaks({"here": hide(phone)}, phone) == ["here"]
    assert leaks({"here": hide("+14155550124")}, phone) == []


@contextmanager
def planted(local: RunningDeployment, phone: str) -> Iterator[dict[str, str]]:
    """Put the number into a place of each kind; yield the name that the search has for each."""
    mark, names = uuid.uuid4().hex, local.parameters
    s3, logs, ssm = local.client("s3"), local.client("logs"), local.client("ssm")
    bucket, group = names["artifacts-bucket"], "/aws/lambda/marquee-local-ingest"
    keys = {
        "object": (f"planted/{mark}", zipped(phone)),
        "key": (f"planted/{digits_only(phone).decode()}-{mark}", b""),
    }
    table, item = names["movies-table"], {"dataset": {"S": mark}, "movie_id": {"N": "1"}}
    queue = "reconcile-dead-letters"  # no function consumes it
    parameter = f"/marquee/{local.environment}/planted-{mark}"
    file = local.state / "tmp" / f"planted-{mark}"
    with ExitStack() as undo:
        for key, content in keys.values():
            version = s3.put_object(Bucket=bucket, Key=key, Body=content)["VersionId"]
            undo.callback(s3.delete_object, Bucket=bucket, Key=key, VersionId=version)
        logs.create_log_stream(logGroupName=group, logStreamName=mark)
        undo.callback(logs.delete_log_stream, logGroupName=group, logStreamName=mark)
        line = {"timestamp": round(time.time() * 1000), "message": encoded(phone).decode()}
        logs.put_log_events(logGroupName=group, logStreamName=mark, logEvents=[line])
        sqs, url = local.client("sqs"), local.queue_url(queue)
        sqs.send_message(QueueUrl=url, MessageBody=spaced(phone).decode())
        undo.callback(sqs.purge_queue, QueueUrl=url)
        dynamodb = local.client("dynamodb")
        note = {"note": {"S": zipped_then_encoded(phone).decode()}}
        dynamodb.put_item(TableName=table, Item=item | note)
        undo.callback(dynamodb.delete_item, TableName=table, Key=item)
        ssm.put_parameter(Name=parameter, Value=plain(phone).decode(), Type="SecureString")
        undo.callback(ssm.delete_parameter, Name=parameter)
        file.write_bytes(zipped(phone))
        undo.callback(file.unlink)
        yield {
            "file": f"file {file}",
            "object": f"s3://{bucket}/{keys['object'][0]}",
            "key": f"s3://{bucket}/{keys['key'][0]}",
            "log": f"log {group}",
            "queue message": f"queue {queue}",
            "table item": f"table {table} {mark}/1",
            "parameter": f"parameter {parameter}",
        }


@dataclass(frozen=True)
class Found:
    names: dict[str, str]
    leaks: list[str]


@pytest.fixture(scope="module")
def found(deployment: RunningDeployment, flown: Flown) -> Found:
    """Search again, with a leak planted in a place of each kind."""
    with xray_daemon(deployment.xray_port) as segments, planted(deployment, flown.phone) as names:
        segment = json.dumps({"name": "send-text", "cause": plain(flown.phone).decode()}).encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sdk:
            sdk.sendto(segment, ("127.0.0.1", deployment.xray_port))
        # The functions may send traces of their own meanwhile.
        eventually(lambda: segment in segments, bool, "the planted trace", seconds=120)
        places = everything(deployment, flown.older) | traces(segments)
        trace = f"trace {segments.index(segment)}"
        return Found({**names, "trace": trace}, leaks(places, flown.phone))


@pytest.mark.parametrize(
    "place", ["object", "key", "log", "queue message", "table item", "parameter", "trace", "file"]
)
def test_a_planted_leak_is_found(found: Found, place: str) -> None:
    assert found.names[place] in found.leaks


def test_nothing_but_the_planted_leaks_is_found(found: Found) -> None:
    assert found.leaks == sorted(found.names.values())
