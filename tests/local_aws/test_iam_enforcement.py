"""The local AWS refuses the calls that AWS refuses, with AWS's error codes."""

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from local_aws.emulator import chosen_emulator
from tests.local_aws import functions
from tests.local_aws.conftest import ACCOUNT, REGION, LocalAws, until
from tests.local_aws.roles import Acting, client, document, function_role, role

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not chosen_emulator().enforces_iam, reason="this emulator enforces no policy"
    ),
]

BUCKET = "arn:aws:s3:::enforced"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/"


@pytest.fixture(scope="module", autouse=True)
def bucket(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket="enforced")
    aws.client("s3").put_object(Bucket="enforced", Key="visitors/a", Body=b"1")


@pytest.fixture(scope="module")
def powerless(aws: LocalAws) -> Acting:
    """Return a role without any permission."""
    return Acting(aws, "nobody", [])


@pytest.fixture(scope="module")
def reader(aws: LocalAws) -> Acting:
    """Return a role that may list a bucket and read one folder of it."""
    return Acting(
        aws, "reader", [("s3:ListBucket", BUCKET), ("s3:GetObject", f"{BUCKET}/visitors/*")]
    )


def refused(aws: LocalAws, words: str) -> str | None:
    """Return the log line of a refusal by IAM that holds `words`; None if there is none."""
    lines = (aws.state / "local_aws.log").read_text(errors="replace").splitlines()
    return next((line for line in lines if "IAM denies" in line and words in line), None)


CALLS: dict[str, tuple[str, Callable[[Any], object], str, int]] = {
    "DynamoDB": (
        "dynamodb",
        lambda c: c.get_item(TableName="t", Key={"id": {"S": "1"}}),
        "AccessDeniedException",
        400,
    ),
    "S3": ("s3", lambda c: c.get_object(Bucket="enforced", Key="visitors/a"), "AccessDenied", 403),
    "SQS": ("sqs", lambda c: c.create_queue(QueueName="q"), "AccessDenied", 403),
    "SNS": (
        "sns",
        lambda c: c.publish(PhoneNumber="+14155550100", Message="Hi"),
        "AuthorizationError",
        403,
    ),
    "EMR": ("emr", lambda c: c.list_clusters(), "AccessDeniedException", 400),
    "SSM": ("ssm", lambda c: c.get_parameter(Name="/x"), "AccessDeniedException", 400),
    "IAM": (
        "iam",
        lambda c: c.create_role(RoleName="r", AssumeRolePolicyDocument="{}"),
        "AccessDenied",
        403,
    ),
    "Lambda": ("lambda", lambda c: c.list_functions(), "AccessDeniedException", 403),
    "Logs": ("logs", lambda c: c.create_log_group(logGroupName="g"), "AccessDeniedException", 400),
    "EC2": ("ec2", lambda c: c.create_vpc(CidrBlock="10.8.0.0/16"), "UnauthorizedOperation", 403),
    "API Gateway": ("apigateway", lambda c: c.get_rest_apis(), "AccessDeniedException", 403),
    "CloudFormation": ("cloudformation", lambda c: c.list_stacks(), "AccessDenied", 403),
}


@pytest.mark.parametrize("service", CALLS)
def test_a_role_without_rights_gets_the_error_of_aws(powerless: Acting, service: str) -> None:
    name, call, code, status = CALLS[service]

    with pytest.raises(ClientError) as error:
        call(powerless.client(name))

    answer = error.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_a_role_without_rights_may_call_get_caller_identity(powerless: Acting) -> None:
    assert powerless.client("sts").get_caller_identity()["Arn"].endswith("assumed-role/nobody/test")


def test_an_unknown_access_key_is_rejected(aws: LocalAws) -> None:
    stranger = {
        "AccessKeyId": "AKIAUNKNOWN00000000A",
        "SecretAccessKey": "x",
        "SessionToken": "y",
    }

    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        client(aws.endpoint, stranger, "sqs").list_queues()


def status_of_head(acting: Acting, key: str) -> int:
    with pytest.raises(ClientError) as error:
        acting.client("s3").head_object(Bucket="enforced", Key=key)
    return int(error.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_a_missing_object_is_hidden_from_a_role_that_may_not_list(
    aws: LocalAws, reader: Acting
) -> None:
    blind = Acting(aws, "blind", [("s3:GetObject", f"{BUCKET}/visitors/*")])

    assert status_of_head(reader, "visitors/missing") == 404
    assert status_of_head(blind, "visitors/missing") == 403
    with pytest.raises(ClientError, match="AccessDenied"):
        blind.client("s3").get_object(Bucket="enforced", Key="visitors/missing")


def test_the_bare_name_of_a_folder_counts_as_an_object(reader: Acting) -> None:
    """Hadoop's S3 client first asks for this key; 404 would mean that there is no such object."""
    assert status_of_head(reader, "visitors") == 403


def test_each_object_of_a_deletion_is_authorised_separately(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    for key in ("mine/a", "theirs/a"):
        s3.put_object(Bucket="enforced", Key=key, Body=b"1")
    eraser = Acting(aws, "eraser", [("s3:DeleteObject", f"{BUCKET}/mine/*")])

    answer = eraser.client("s3").delete_objects(
        Bucket="enforced", Delete={"Objects": [{"Key": "mine/a"}, {"Key": "theirs/a"}]}
    )

    assert [each["Key"] for each in answer["Deleted"]] == ["mine/a"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [
        ("theirs/a", "AccessDenied")
    ]
    assert s3.head_object(Bucket="enforced", Key="theirs/a")["ContentLength"] == 1


def test_a_listing_is_authorised_by_its_prefix(aws: LocalAws) -> None:
    arn = role(aws, "one-folder", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, [])
    allowed = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": BUCKET,
        "Condition": {"StringLike": {"s3:prefix": ["visitors/*"]}},
    }
    aws.client("iam").put_role_policy(
        RoleName="one-folder", PolicyName="list", PolicyDocument=document([allowed])
    )
    session = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    s3 = client(aws.endpoint, session, "s3")

    assert s3.list_objects_v2(Bucket="enforced", Prefix="visitors/")["KeyCount"] == 1
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket="enforced")


def test_an_item_is_authorised_by_its_key(aws: LocalAws) -> None:
    aws.client("dynamodb").create_table(
        TableName="keyed",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = role(aws, "one-item", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, [])
    allowed = {
        "Effect": "Allow",
        "Action": "dynamodb:PutItem",
        "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/keyed",
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "mine/*"}},
    }
    aws.client("iam").put_role_policy(
        RoleName="one-item", PolicyName="put", PolicyDocument=document([allowed])
    )
    session = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    dynamodb = client(aws.endpoint, session, "dynamodb")

    dynamodb.put_item(TableName="keyed", Item={"id": {"S": "mine/a"}})
    with pytest.raises(ClientError, match="AccessDeniedException"):
        dynamodb.put_item(TableName="keyed", Item={"id": {"S": "theirs/a"}})


@pytest.mark.parametrize(
    "principal",
    [{"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"Service": "lambda.amazonaws.com"}],
    ids=["account", "service"],
)
def test_a_resource_policy_for_another_principal_admits_no_role(
    aws: LocalAws, principal: dict[str, str]
) -> None:
    """A policy for the account delegates to identity policies.

    A policy for a service does not apply to a role that the service assumes.
    """
    (kind,) = principal
    trusted = {"AWS": f"arn:aws:iam::{ACCOUNT}:root", "Service": "lambda.amazonaws.com"}
    arn = role(aws, f"let-in-by-{kind}", trusted, [])
    session = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    made = aws.client("sqs").create_queue(
        QueueName=f"for-{kind}", Attributes={"Policy": document([statement])}
    )

    with pytest.raises(ClientError, match="AccessDenied"):
        client(aws.endpoint, session, "sqs").send_message(
            QueueUrl=made["QueueUrl"], MessageBody="none"
        )


# -- Roles handed to services --------------------------------------------------------------------


def test_a_role_is_passed_only_with_the_right_to_pass_it(aws: LocalAws) -> None:
    handed = function_role(aws, "handed")
    create = ("lambda:CreateFunction", "*")
    maker = Acting(aws, "maker", [create])
    passer = Acting(aws, "passer", [create, ("iam:PassRole", handed)])
    code = {"ZipFile": functions.archive({"app.py": "handler = print"})}
    function = {"FunctionName": "handed", "Runtime": "python3.13", "Handler": "app.handler"}

    with pytest.raises(ClientError, match="iam:PassRole"):
        maker.client("lambda").create_function(**function, Role=handed, Code=code)
    assert passer.client("lambda").create_function(**function, Role=handed, Code=code)


# -- Messages from one service to another --------------------------------------------------------


def queue(aws: LocalAws, name: str, service: str, source: str) -> tuple[str, str]:
    """Create a queue to which one service may send for one source; return its URL and ARN."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": source},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
    }
    made = aws.client("sqs").create_queue(
        QueueName=name, Attributes={"Policy": document([statement])}
    )
    return made["QueueUrl"], arn


@pytest.mark.parametrize(
    ("source", "allowed"), [(BUCKET, True), ("arn:aws:s3:::another", False)], ids=["own", "another"]
)
def test_a_bucket_notifies_only_a_queue_that_allows_it(
    aws: LocalAws, source: str, allowed: bool
) -> None:
    _, arn = queue(aws, f"notified-{allowed}".lower(), "s3.amazonaws.com", source)
    wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3 = aws.client("s3")

    if allowed:
        s3.put_bucket_notification_configuration(
            Bucket="enforced", NotificationConfiguration=wanted
        )
    else:
        with pytest.raises(ClientError, match="Unable to validate the following destination"):
            s3.put_bucket_notification_configuration(
                Bucket="enforced", NotificationConfiguration=wanted
            )
        assert refused(aws, "notified-false because the resource's policy")


def test_a_rule_sends_only_to_a_queue_that_allows_it(aws: LocalAws) -> None:
    events, sqs = aws.client("events"), aws.client("sqs")
    open_url, open_arn = queue(aws, "names-rule", "events.amazonaws.com", f"{RULE}named")
    closed_url, closed_arn = queue(aws, "names-other", "events.amazonaws.com", f"{RULE}another")
    events.put_rule(Name="named", EventPattern=json.dumps({"source": ["enforced"]}))
    events.put_targets(
        Rule="named",
        Targets=[{"Id": "closed", "Arn": closed_arn}, {"Id": "open", "Arn": open_arn}],
    )

    events.put_events(Entries=[{"Source": "enforced", "DetailType": "t", "Detail": "{}"}])

    until(lambda: refused(aws, "names-other because the resource's policy"), "the refusal")
    received = until(
        lambda: sqs.receive_message(QueueUrl=open_url, WaitTimeSeconds=1).get("Messages"),
        "the event",
    )
    assert len(received) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=closed_url)


def test_an_api_calls_only_a_function_that_allows_it(aws: LocalAws) -> None:
    code = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hi'}\n"
    functions.create(aws, "behind-api", code)
    address = functions.behind_api(aws, "behind-api")

    with pytest.raises(HTTPError, match="500"):
        urlopen(address, timeout=120)  # noqa: S310
    functions.let_api_call(aws, "behind-api", address)
    with urlopen(address, timeout=120) as answer:  # noqa: S310
        assert answer.read() == b"hi"


def test_a_queue_is_polled_with_the_role_of_the_function(aws: LocalAws) -> None:
    _, arn = queue(aws, "unreadable", "s3.amazonaws.com", BUCKET)
    functions.create(aws, "may-not-poll", "def handler(event, context):\n    return 1\n")

    with pytest.raises(ClientError, match=r"sqs:GetQueueAttributes|does not have permissions"):
        aws.client("lambda").create_event_source_mapping(
            EventSourceArn=arn, FunctionName="may-not-poll"
        )
