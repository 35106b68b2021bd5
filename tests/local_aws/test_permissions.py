"""Every role under real enforcement: its own calls are allowed, those of other roles denied.

The roles are created in the emulator with the policies that Terraform would create, as listed in
docs/permissions.md. Each call that any role may make is tried as each role; the expected answers
follow from the policies. Few resources have to exist for this, because AWS checks a permission
before it looks for the resource.
"""

import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import emulator
from operations.permissions.needs import Need, step_addresses
from operations.permissions.page import grants
from operations.permissions.plan import Policy, RenderedPolicies, rendered_policies
from tests.local_aws.conftest import LocalAws, until

PHONE = "+15555550100"
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}
# The roles of our own code, which Lambda and EC2 assume. EMR and SNS assume the other roles.
ROLES = ("ingest", "submit-step", "queue-results", "send-text", "reconcile", "nodes")

type Clients = Callable[[str], Any]


@dataclass(frozen=True, order=True)
class Request:
    """An action on a resource without wildcards."""

    action: str
    resource: str
    prefix: str = ""  # for a listing
    item: str = "nobody"  # an item's partition key

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}{self.prefix and f' under {self.prefix}'}"

    @property
    def name(self) -> str:
        """The last part of the resource's ARN, for example a table, a queue or a cluster."""
        return self.resource.split(":", 5)[-1] if self.resource != "*" else "*"

    @property
    def bucket(self) -> str:
        return self.name.partition("/")[0]

    @property
    def key(self) -> str:
        return self.name.partition("/")[2]

    @property
    def table(self) -> str:
        return self.name.split("/")[1]

    @property
    def last(self) -> str:
        return self.name.rpartition("/")[2]


def key_of(request: Request) -> dict[str, Any]:
    return {"TableName": request.table, "Key": {"id": {"S": request.item}}}


def queue_url(clients: Clients, request: Request) -> str:
    account = request.resource.split(":")[4]
    return f"{clients('sqs').meta.endpoint_url}/{account}/{request.name}"


def query(clients: Clients, request: Request) -> None:
    index = {"IndexName": request.last} if "/index/" in request.name else {}
    clients("dynamodb").query(
        TableName=request.table,
        KeyConditionExpression="open_status = :s",
        ExpressionAttributeValues={":s": {"S": "none"}},
        **index,
    )


def log_stream(request: Request) -> dict[str, str]:
    group, _, stream = request.name.removeprefix("log-group:").partition(":log-stream:")
    return {"logGroupName": group, "logStreamName": stream}


STEP = {
    "Name": "none",
    "ActionOnFailure": "CONTINUE",
    "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["true"]},
}
# One harmless call for each action that any role allows.
CALLS: dict[str, Callable[[Clients, Request], Any]] = {
    "s3:GetObject": lambda c, r: c("s3").get_object(Bucket=r.bucket, Key=r.key),
    "s3:PutObject": lambda c, r: c("s3").put_object(Bucket=r.bucket, Key=r.key, Body=b""),
    "s3:DeleteObject": lambda c, r: c("s3").delete_object(Bucket=r.bucket, Key=r.key),
    "s3:AbortMultipartUpload": lambda c, r: c("s3").abort_multipart_upload(
        Bucket=r.bucket, Key=r.key, UploadId="none"
    ),
    "s3:ListMultipartUploadParts": lambda c, r: c("s3").list_parts(
        Bucket=r.bucket, Key=r.key, UploadId="none"
    ),
    "s3:ListBucket": lambda c, r: c("s3").list_objects_v2(Bucket=r.bucket, Prefix=r.prefix),
    "s3:GetBucketLocation": lambda c, r: c("s3").get_bucket_location(Bucket=r.bucket),
    "s3:ListBucketMultipartUploads": lambda c, r: c("s3").list_multipart_uploads(Bucket=r.bucket),
    "dynamodb:GetItem": lambda c, r: c("dynamodb").get_item(**key_of(r)),
    "dynamodb:DeleteItem": lambda c, r: c("dynamodb").delete_item(**key_of(r)),
    "dynamodb:UpdateItem": lambda c, r: c("dynamodb").update_item(**key_of(r)),
    "dynamodb:PutItem": lambda c, r: c("dynamodb").put_item(
        TableName=r.table, Item={"id": {"S": r.item}}
    ),
    "dynamodb:BatchGetItem": lambda c, r: c("dynamodb").batch_get_item(
        RequestItems={r.table: {"Keys": [{"id": {"S": "nobody"}}]}}
    ),
    "dynamodb:Query": query,
    "sqs:SendMessage": lambda c, r: c("sqs").send_message(
        QueueUrl=queue_url(c, r), MessageBody="none"
    ),
    "sqs:ReceiveMessage": lambda c, r: c("sqs").receive_message(
        QueueUrl=queue_url(c, r), WaitTimeSeconds=0
    ),
    "sqs:DeleteMessage": lambda c, r: c("sqs").delete_message(
        QueueUrl=queue_url(c, r), ReceiptHandle="none"
    ),
    "sqs:GetQueueAttributes": lambda c, r: c("sqs").get_queue_attributes(QueueUrl=queue_url(c, r)),
    "sns:Publish": lambda c, r: c("sns").publish(
        Message="none",
        **({"PhoneNumber": PHONE} if r.resource == "*" else {"TopicArn": r.resource}),
    ),
    "sns:CheckIfPhoneNumberIsOptedOut": lambda c, _: c("sns").check_if_phone_number_is_opted_out(
        phoneNumber=PHONE
    ),
    "xray:PutTraceSegments": lambda c, _: c("xray").put_trace_segments(
        TraceSegmentDocuments=["{}"]
    ),
    "xray:PutTelemetryRecords": lambda c, _: c("xray").put_telemetry_records(
        TelemetryRecords=[{"Timestamp": datetime.now(UTC)}]
    ),
    "logs:CreateLogStream": lambda c, r: c("logs").create_log_stream(**log_stream(r)),
    "logs:PutLogEvents": lambda c, r: c("logs").put_log_events(
        logEvents=[{"timestamp": 0, "message": "none"}], **log_stream(r)
    ),
    "elasticmapreduce:AddJobFlowSteps": lambda c, r: c("emr").add_job_flow_steps(
        JobFlowId=r.last, Steps=[STEP]
    ),
    "elasticmapreduce:ListSteps": lambda c, r: c("emr").list_steps(ClusterId=r.last),
    "ssm:GetParameter": lambda c, r: c("ssm").get_parameter(Name=r.name.removeprefix("parameter")),
    "kms:DescribeKey": lambda c, r: c("kms").describe_key(KeyId=r.resource),
    "kms:Encrypt": lambda c, r: c("kms").encrypt(KeyId=r.resource, Plaintext=b"none"),
    "kms:Decrypt": lambda c, r: c("kms").decrypt(KeyId=r.resource, CiphertextBlob=b"none"),
    "kms:GenerateDataKey*": lambda c, r: c("kms").generate_data_key(
        KeyId=r.resource, KeySpec="AES_256"
    ),
    "kms:ReEncrypt*": lambda c, r: c("kms").re_encrypt(
        SourceKeyId=r.resource, DestinationKeyId=r.resource, CiphertextBlob=b"none"
    ),
}


def keys_of(planned: RenderedPolicies) -> set[str]:
    return {
        resource
        for policy in planned.roles.values()
        for statement in policy.statements
        for resource in statement.resources
        if resource.startswith("arn:aws:kms:")
    }


class Account:
    """An account in the emulator with the plan's roles, buckets, keys and tables."""

    def __init__(self, endpoint: str, planned: RenderedPolicies) -> None:
        self._endpoint, self._region = endpoint, planned.region
        self._sessions: dict[str, Clients] = {}
        self.operator = self._clients("test", "test")
        self.number = self.operator("sts").get_caller_identity()["Account"]
        self._planned = planned
        self._keys: dict[str, str] = {}  # planned to real ARN, because KMS chooses key ids
        self.name = planned.name

    def here(self, text: str) -> str:
        """Replace the plan's account number and key ARNs in a text by those of this account."""
        for planned, real in self._keys.items():
            text = text.replace(planned, real)
        return text.replace(self._planned.account, self.number)

    def policy(self, role: str) -> Policy:
        made = self._planned.roles[f"{self.name}-{role}"]
        return Policy(
            made.address, made.attached_to, json.loads(self.here(json.dumps(made.document)))
        )

    def make(self) -> None:
        for key in keys_of(self._planned):
            self._keys[key] = self.operator("kms").create_key()["KeyMetadata"]["Arn"]
        for kind in ("ratings", "models", "results", "artifacts"):
            self.operator("s3").create_bucket(
                Bucket=self.bucket(kind),
                CreateBucketConfiguration={"LocationConstraint": self._region},
            )
        # A condition on the partition key needs an existing table that defines this attribute.
        for table in self.tables:
            self.operator("dynamodb").create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        for role in ROLES:
            self._make_role(f"{self.name}-{role}", role)

    @property
    def tables(self) -> list[str]:
        """Names of the tables in any role's policy."""
        named = re.findall(
            r":table/([\w-]+)", "".join(json.dumps(self.policy(role).document) for role in ROLES)
        )
        return sorted(set(named))

    def remove(self) -> None:
        for key in self._keys.values():
            self.operator("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        for role in ROLES:
            name = f"{self.name}-{role}"
            self.operator("iam").delete_role_policy(RoleName=name, PolicyName="planned")
            self.operator("iam").delete_role(RoleName=name)
        for kind in ("ratings", "models", "results", "artifacts"):
            bucket = self.bucket(kind)
            for item in self.operator("s3").list_objects_v2(Bucket=bucket).get("Contents", []):
                self.operator("s3").delete_object(Bucket=bucket, Key=item["Key"])
            self.operator("s3").delete_bucket(Bucket=bucket)
        for table in self.tables:
            self.operator("dynamodb").delete_table(TableName=table)

    def bucket(self, kind: str) -> str:
        return f"{self.name}-{self.number}-{kind}"

    def acting_as(self, role: str) -> Clients:
        """Return a maker of clients with the credentials of a session of the role."""
        if role not in self._sessions:
            arn = f"arn:aws:iam::{self.number}:role/{self.name}-{role}"
            assumed = self.operator("sts").assume_role(RoleArn=arn, RoleSessionName="tests")
            given = assumed["Credentials"]
            self._sessions[role] = self._clients(
                given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
            )
        return self._sessions[role]

    def _make_role(self, name: str, role: str) -> None:
        trust = self._planned.trusts[name].document
        # The tests assume the role, which on AWS only a service may do.
        tests = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self.number}:root"},
            "Action": "sts:AssumeRole",
        }
        document = {**trust, "Statement": [*trust["Statement"], tests]}
        iam = self.operator("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
        policy = json.dumps(self.policy(role).document)
        iam.put_role_policy(RoleName=name, PolicyName="planned", PolicyDocument=policy)

    def _clients(self, key: str, secret: str, token: str | None = None) -> Clients:
        session = boto3.session.Session(key, secret, token, self._region)
        made: dict[str, Any] = {}

        def client(service: str) -> Any:
            if service not in made:
                made[service] = session.client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self._endpoint,
                    config=Config(retries={"total_max_attempts": 1}),
                )
            return made[service]

        return client


@pytest.fixture(scope="module")
def planned() -> RenderedPolicies:
    return rendered_policies()


@pytest.fixture(scope="module")
def account(planned: RenderedPolicies, aws: LocalAws) -> Iterator[Account]:
    if not emulator.chosen_emulator().enforces_iam:
        pytest.skip(f"{emulator.chosen_emulator().title} decides no call by IAM policies")
    made = Account(aws.endpoint, planned)
    made.make()
    yield made
    made.remove()


def requests_of(account: Account, role: str) -> Iterator[Request]:
    """Yield the requests that a role's statements allow, with a value for each wildcard."""
    for statement in account.policy(role).statements:
        if statement.effect != "Allow":
            continue
        conditions = [block for block in statement.condition.values() if isinstance(block, dict)]
        carried = {
            key: value if isinstance(value, list) else [str(value)]
            for block in conditions
            for key, value in block.items()
        }
        for action, resource, prefix, item in itertools.product(
            statement.actions,
            statement.resources,
            carried.get("s3:prefix", [""]),
            carried.get("dynamodb:LeadingKeys", ["nobody"]),
        ):
            yield Request(
                action,
                concrete(action, resource),
                prefix.replace("*", "none"),
                item.replace("*", "none"),
            )


def concrete(action: str, resource: str) -> str:
    if resource == "*":
        return resource  # the action has no resource
    if action.startswith("logs:"):
        return f"{resource.removesuffix(':*')}:log-stream:none"
    return resource.replace("*", "none")


def everything(account: Account) -> list[Request]:
    return sorted({request for role in ROLES for request in requests_of(account, role)})


def may(account: Account, role: str, request: Request) -> bool:
    """Return whether the role's policy allows a request; a denial overrides, as on AWS."""
    carried: tuple[tuple[str, str], ...] = (("dynamodb:LeadingKeys", request.item),)
    if request.prefix:
        carried += (("s3:prefix", request.prefix),)
    need = Need(request.action.rstrip("*"), request.resource, "", carried)
    applying = {s.effect for s in account.policy(role).statements if grants(s, need)}
    return applying == {"Allow"}


def refused(call: Callable[[], Any]) -> bool:
    """Return whether a call is refused for lack of a permission.

    Any other error means that the permission was there.
    """
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    return False


def test_every_action_of_a_role_has_a_call_that_tries_it(planned: RenderedPolicies) -> None:
    held = {
        action
        for role in ROLES
        for statement in planned.roles[f"{planned.name}-{role}"].statements
        for action in statement.actions
    }
    assert held == set(CALLS)


@contextmanager
def existing_object(account: Account, request: Request) -> Iterator[None]:
    """Create the object of a GetObject while the context lasts.

    S3 answers 403 for a missing object if the role may not list the bucket.
    """
    if request.action != "s3:GetObject":
        yield
        return
    s3 = account.operator("s3")
    s3.put_object(Bucket=request.bucket, Key=request.key, Body=b"")
    try:
        yield
    finally:
        s3.delete_object(Bucket=request.bucket, Key=request.key)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_its_policy_allows(account: Account, role: str) -> None:
    clients = account.acting_as(role)
    own = sorted(set(requests_of(account, role)))
    assert own
    wrongly = []
    for request in own:
        with existing_object(account, request):
            if refused(partial(CALLS[request.action], clients, request)):
                wrongly.append(str(request))
    assert not wrongly, "denied:\n" + "\n".join(wrongly)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_denied_what_only_other_roles_may_do(account: Account, role: str) -> None:
    clients = account.acting_as(role)
    others = [request for request in everything(account) if not may(account, role, request)]
    assert others
    wrongly = [str(r) for r in others if not refused(partial(CALLS[r.action], clients, r))]
    assert not wrongly, "let in:\n" + "\n".join(wrongly)


def test_send_text_may_publish_to_no_topic(account: Account, planned: RenderedPolicies) -> None:
    topic = f"arn:aws:sns:{planned.region}:{account.number}:{account.name}-alarms"
    clients = account.acting_as("send-text")
    assert refused(lambda: CALLS["sns:Publish"](clients, Request("sns:Publish", topic)))
    assert not refused(lambda: CALLS["sns:Publish"](clients, Request("sns:Publish", "*")))


@pytest.mark.parametrize("role", ["ingest", "submit-step"])
def test_a_listing_under_another_prefix_is_denied(account: Account, role: str) -> None:
    s3, ratings = account.acting_as(role)("s3"), account.bucket("ratings")
    for prefix in ("", "submissions/", "visitors"):
        assert refused(partial(s3.list_objects_v2, Bucket=ratings, Prefix=prefix)), prefix
    assert not refused(lambda: s3.list_objects_v2(Bucket=ratings, Prefix="visitors/date=2026"))


def test_deleting_several_objects_needs_the_right_to_each(account: Account) -> None:
    """S3 decides on each key separately."""
    s3, ratings = account.acting_as("ingest")("s3"), account.bucket("ratings")
    keys = ["visitors/date=2026-01-01/none-1.json", "submissions/none.json"]
    answer = s3.delete_objects(
        Bucket=ratings, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
    )
    refusals = [(error["Key"], error["Code"]) for error in answer.get("Errors", [])]
    assert refusals == [("submissions/none.json", "AccessDenied")]


# Checks of S3A -----------------------------------------------------------------------------------


def status(call: Callable[[], Any]) -> int:
    try:
        return int(call()["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def test_the_missing_folders_of_all_steps_are_absent_for_the_nodes_and_not_forbidden(
    account: Account, planned: RenderedPolicies
) -> None:
    """S3A asks for a folder's bare name, then for its marker; only 404 means absent."""
    s3 = account.acting_as("nodes")("s3")
    found = {}
    for address in step_addresses(planned):
        bucket, key = account.here(address.bucket), address.key.replace("*", uuid.uuid4().hex)
        for asked in (key.rstrip("/"), key):
            found[address.place, asked] = status(partial(s3.head_object, Bucket=bucket, Key=asked))
    assert {asked: code for asked, code in found.items() if code != 404} == {}


def test_a_missing_object_looks_forbidden_to_a_role_that_may_not_list_the_bucket(
    account: Account,
) -> None:
    """S3 does not reveal that an object is missing to a role that may not list the bucket."""
    iam, name = account.operator("iam"), f"{account.name}-nodes"
    models = account.bucket("models")
    reads = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{models}/*"}
        ],
    }
    s3 = account.acting_as("nodes")("s3")
    before = iam.get_role_policy(RoleName=name, PolicyName="planned")["PolicyDocument"]
    missing = uuid.uuid4().hex
    assert status(lambda: s3.get_object(Bucket=models, Key=missing)) == 404
    iam.put_role_policy(RoleName=name, PolicyName="planned", PolicyDocument=json.dumps(reads))
    try:
        assert status(lambda: s3.get_object(Bucket=models, Key=missing)) == 403
        assert status(lambda: s3.head_object(Bucket=models, Key=missing)) == 403
    finally:
        iam.put_role_policy(RoleName=name, PolicyName="planned", PolicyDocument=json.dumps(before))


# Policies of queues and topics -------------------------------------------------------------------


@dataclass(frozen=True)
class Destination:
    """A queue or a topic with the policy that Terraform would set."""

    arn: str
    url: str  # of a queue; the ARN of a topic
    policy: Policy

    @property
    def kind(self) -> str:
        return "Queue" if self.arn.split(":")[2] == "sqs" else "Topic"

    def sources(self, service: str) -> list[str]:
        """Return the ARN patterns of sources for which the policy allows a service to send."""
        return [
            source
            for statement in self.policy.statements
            if statement.effect == "Allow" and statement.principal == {"Service": service}
            for block in statement.condition.values()
            for key, sources in block.items()
            if key == "aws:SourceArn"
            for source in ([sources] if isinstance(sources, str) else sources)
        ]


@pytest.fixture(scope="module")
def destinations(account: Account, planned: RenderedPolicies) -> Iterator[list[Destination]]:
    made = []
    for arn, policy in planned.resource_policies.items():
        service, name = arn.split(":")[2], arn.rpartition(":")[2]
        if service not in ("sqs", "sns"):
            continue
        document = json.loads(account.here(json.dumps(policy.document)))
        # The emulator's endpoint is plain http.
        document["Statement"] = [s for s in document["Statement"] if s["Sid"] != "RefusePlainHttp"]
        attributes = {"Policy": json.dumps(document)} if document["Statement"] else {}
        if service == "sqs":
            queue = account.operator("sqs").create_queue(QueueName=name, Attributes=attributes)
            url = queue["QueueUrl"]
        else:
            url = account.operator("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]
        made.append(Destination(account.here(arn), url, Policy(policy.address, name, document)))
    yield made
    for each in made:
        if each.kind == "Queue":
            account.operator("sqs").delete_queue(QueueUrl=each.url)
        else:
            account.operator("sns").delete_topic(TopicArn=each.url)


def notify(account: Account, bucket: str, destination: Destination) -> str:
    """Configure a bucket to announce its objects, and undo that.

    S3 sends a test message immediately, and refuses the configuration if it may not send.

    Returns:
        The error code of the refusal; empty if the configuration was accepted.
    """
    s3, kind = account.operator("s3"), destination.kind
    wanted = {f"{kind}Arn": destination.arn, "Events": ["s3:ObjectCreated:*"]}
    try:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={f"{kind}Configurations": [wanted]}
        )
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    return ""


def test_a_bucket_sends_notifications_only_where_the_policy_names_it(
    account: Account, destinations: list[Destination]
) -> None:
    answers, expected = {}, {}
    for destination in destinations:
        named = destination.sources("s3.amazonaws.com")
        for bucket in ("ratings", "models", "results", "artifacts"):
            pair = f"{bucket} to {destination.arn}"
            answers[pair] = notify(account, account.bucket(bucket), destination)
            may_send = f"arn:aws:s3:::{account.bucket(bucket)}" in named
            expected[pair] = "" if may_send else "InvalidArgument"
    assert answers == expected
    assert list(expected.values()).count("") == 2  # ratings to visitors, results to results


def test_a_rule_delivers_only_where_the_policy_names_it(
    account: Account, destinations: list[Destination]
) -> None:
    """Both rules match the same event; the rule that the policy does not name is created first."""
    events, sqs = account.operator("events"), account.operator("sqs")
    destination, pattern = next(
        (each, source) for each in destinations for source in each.sources("events.amazonaws.com")
    )
    named = pattern.rpartition("/")[2].replace("*", "none")
    rules = {f"stranger-{uuid.uuid4().hex[:8]}": "wrong", named: "right"}
    for rule, message in rules.items():
        events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["marquee.tests"]}))
        target = {"Id": "queue", "Arn": destination.arn, "Input": json.dumps(message)}
        events.put_targets(Rule=rule, Targets=[target])
    received: list[str] = []

    def arrived() -> list[str]:
        answer = sqs.receive_message(QueueUrl=destination.url, WaitTimeSeconds=1)
        received.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return received

    event = {"Source": "marquee.tests", "DetailType": "none", "Detail": "{}"}
    try:
        for times in (1, 2):  # when the second event arrives, any wrong delivery has arrived
            events.put_events(Entries=[event])
            until(lambda n=times: arrived().count("right") >= n, "the delivery")  # type: ignore[misc]
        assert set(received) == {"right"}
    finally:
        for rule in rules:
            events.remove_targets(Rule=rule, Ids=["queue"])
            events.delete_rule(Name=rule)
