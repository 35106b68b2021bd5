"""Every AWS service that Marquee uses answers a real call on the local AWS."""

import gzip
import json
import socket
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from local_aws import emulator
from tests.local_aws import functions
from tests.local_aws.conftest import ACCOUNT, REGION, LocalAws, until
from tests.local_aws.roles import CONSUME, bucket_rights, document, instance_profile, role

pytestmark = pytest.mark.timeout(300)

EMULATORS = ("LOCALEMU", "LOCALSTACK", "IAM_ENFORCEMENT", "ROOT_ACCESS_KEYS")


def queue(aws: LocalAws, name: str, **attributes: str) -> tuple[str, str]:
    """Create a queue; return its URL and ARN."""
    url = aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def queue_policy(service: str, **source: str) -> str:
    """Return a queue policy that allows a service to send, perhaps for one source only."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    if source:
        statement["Condition"] = {"ArnEquals": {"aws:SourceArn": source["arn"]}}
    return document([statement])


def messages(aws: LocalAws, url: str) -> list[dict[str, Any]]:
    """Receive and delete up to ten messages of a queue."""
    sqs = aws.client("sqs")
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    received: list[dict[str, Any]] = answer.get("Messages", [])
    for message in received:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return received


# -- S3 ------------------------------------------------------------------------------------------
def test_s3_notifies_a_queue_of_a_new_object(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="smoke-notify")
    url, arn = queue(
        aws,
        "smoke-notify",
        Policy=queue_policy("s3.amazonaws.com", arn="arn:aws:s3:::smoke-notify"),
    )
    rule = {"Name": "prefix", "Value": "visitors/"}
    s3.put_bucket_notification_configuration(
        Bucket="smoke-notify",
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arn,
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [rule]}},
                }
            ]
        },
    )
    s3.put_object(Bucket="smoke-notify", Key="other/a.json", Body=b"{}")
    s3.put_object(Bucket="smoke-notify", Key="visitors/a.json", Body=b"{}")

    seen: list[str] = []

    def notified() -> bool:
        seen.extend(message["Body"] for message in messages(aws, url))
        return any("visitors/a.json" in body for body in seen)

    until(notified, "the notification")
    assert not any("other/a.json" in body for body in seen)


def test_s3_does_not_overwrite_an_object_with_if_none_match(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="smoke-lock")
    s3.put_object(Bucket="smoke-lock", Key="terraform.tfstate.tflock", Body=b"1", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(
            Bucket="smoke-lock", Key="terraform.tfstate.tflock", Body=b"2", IfNoneMatch="*"
        )


def test_a_list_of_objects_has_the_keys_with_the_prefix_in_order(aws: LocalAws) -> None:
    s3, bucket = aws.client("s3"), "smoke-list"
    s3.create_bucket(Bucket=bucket)
    keys = [
        "a",
        "a/b",
        "a/b/1",
        "a/b/2",
        "a/c d+e",
        "a/\u00e9t\u00e9",
        "a0",
        "b/1",
        "b/2",
        "\u4e2d/1",
    ]
    for key in [*reversed(keys), "a/b/2", "gone/1", "gone/2"]:  # one is written twice
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_object(Bucket=bucket, Key="gone/1")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "gone/2"}]})

    for prefix in ("", "a", "a/", "a/b", "a/c d", "a/\u00e9", "b/1", "gone/", "nothing", "\u4e2d"):
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": 2}
        )
        listed = [item["Key"] for page in pages for item in page.get("Contents", [])]
        assert listed == sorted(key for key in keys if key.startswith(prefix)), prefix
    after = s3.list_objects_v2(Bucket=bucket, Prefix="a", StartAfter="a/b/1")["Contents"]
    assert [item["Key"] for item in after] == ["a/b/2", "a/c d+e", "a/\u00e9t\u00e9", "a0"]
    folders = s3.list_objects_v2(Bucket=bucket, Prefix="a/", Delimiter="/")["CommonPrefixes"]
    assert folders == [{"Prefix": "a/b/"}]


def test_s3_hosts_a_website(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="smoke-site")
    s3.put_bucket_website(
        Bucket="smoke-site", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}
    )
    s3.put_object(
        Bucket="smoke-site", Key="index.html", Body=b"<h1>Marquee</h1>", ContentType="text/html"
    )

    request = Request(
        f"http://127.0.0.1:{aws.port}/",
        headers={"Host": f"smoke-site.s3-website.localhost:{aws.port}"},
    )
    with urlopen(request, timeout=120) as page:  # noqa: S310
        assert page.read() == b"<h1>Marquee</h1>"


# -- DynamoDB ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def visitors(aws: LocalAws) -> str:
    """Create a table with a global index and a time to live, like Marquee's; return its name."""
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="smoke-visitors",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("visitor_id", "open_status", "status_at")
        ],
        KeySchema=[{"AttributeName": "visitor_id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "open",
                "KeySchema": [
                    {"AttributeName": "open_status", "KeyType": "HASH"},
                    {"AttributeName": "status_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["version"]},
            }
        ],
    )
    dynamodb.update_time_to_live(
        TableName="smoke-visitors",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    return "smoke-visitors"


def test_dynamodb_rejects_a_write_with_a_false_condition(aws: LocalAws, visitors: str) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(TableName=visitors, Item={"visitor_id": {"S": "a"}, "version": {"N": "2"}})

    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.update_item(
            TableName=visitors,
            Key={"visitor_id": {"S": "a"}},
            UpdateExpression="SET version = :new",
            ConditionExpression="version = :old",
            ExpressionAttributeValues={":new": {"N": "2"}, ":old": {"N": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refused.value.response["Item"]["version"] == {"N": "2"}


def test_dynamodb_grants_only_one_of_many_concurrent_claims(aws: LocalAws, visitors: str) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(TableName=visitors, Item={"visitor_id": {"S": "claimed"}})

    def claim(number: int) -> bool:
        try:
            dynamodb.update_item(
                TableName=visitors,
                Key={"visitor_id": {"S": "claimed"}},
                UpdateExpression="SET text_claimed_at = :number",
                ConditionExpression="attribute_not_exists(text_claimed_at)",
                ExpressionAttributeValues={":number": {"N": str(number)}},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claim, range(64))) == 1


def test_dynamodb_finds_items_by_a_global_index(aws: LocalAws, visitors: str) -> None:
    dynamodb = aws.client("dynamodb")
    for visitor, at in (("late", "2026-11-21T21:00:00Z"), ("early", "2026-11-21T20:00:00Z")):
        dynamodb.put_item(
            TableName=visitors,
            Item={
                "visitor_id": {"S": visitor},
                "open_status": {"S": "submitted"},
                "status_at": {"S": at},
                "version": {"N": "1"},
                "name": {"S": "Ada"},
            },
        )

    found = dynamodb.query(
        TableName=visitors,
        IndexName="open",
        KeyConditionExpression="open_status = :status AND status_at < :before",
        ExpressionAttributeValues={
            ":status": {"S": "submitted"},
            ":before": {"S": "2026-11-21T20:30:00Z"},
        },
    )["Items"]

    assert [item["visitor_id"]["S"] for item in found] == ["early"]
    assert "name" not in found[0]


def test_dynamodb_writes_all_of_a_transaction_or_nothing(aws: LocalAws, visitors: str) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(TableName=visitors, Item={"visitor_id": {"S": "there"}})
    new = {"Put": {"TableName": visitors, "Item": {"visitor_id": {"S": "new"}}}}
    clash = {
        "Put": {
            "TableName": visitors,
            "Item": {"visitor_id": {"S": "there"}},
            "ConditionExpression": "attribute_not_exists(visitor_id)",
        }
    }

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        dynamodb.transact_write_items(TransactItems=[new, clash])

    reasons = [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert "Item" not in dynamodb.get_item(TableName=visitors, Key={"visitor_id": {"S": "new"}})


def test_dynamodb_keeps_the_attribute_by_which_items_expire(aws: LocalAws, visitors: str) -> None:
    described = aws.client("dynamodb").describe_time_to_live(TableName=visitors)

    assert described["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires_at",
    }


# -- SQS and SNS ---------------------------------------------------------------------------------
def test_sqs_moves_a_dead_letter_back_to_its_queue(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    dead_url, dead_arn = queue(aws, "smoke-dead-letters")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, arn = queue(aws, "smoke-work", RedrivePolicy=policy, VisibilityTimeout="0")
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)  # moves it to the dead letters

    def dead() -> bool:
        attributes = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["All"])
        return bool(attributes["Attributes"]["ApproximateNumberOfMessages"] == "1")

    until(dead, "the dead letter")
    sqs.start_message_move_task(SourceArn=dead_arn, DestinationArn=arn)

    assert until(lambda: messages(aws, url), "the message to come back")[0]["Body"] == "poison"


def test_sns_keeps_the_text_it_would_have_sent(aws: LocalAws) -> None:
    aws.client("sns").publish(PhoneNumber="+14155550100", Message="Ten picks for you")

    address = f"{aws.endpoint}/_aws/sns/sms-messages?phoneNumber=%2B14155550100"

    def sent() -> list[dict[str, Any]]:
        with urlopen(address, timeout=120) as answer:  # noqa: S310
            return list(json.load(answer)["sms_messages"].get("+14155550100", []))

    # SNS has accepted the text before it is delivered.
    assert [text["Message"] for text in until(sent, "the text")] == ["Ten picks for you"]


# -- SSM, IAM, STS, EC2 --------------------------------------------------------------------------
def test_ssm_keeps_a_secret_and_gives_it_back(aws: LocalAws) -> None:
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/smoke/token-secret", Value="quiet", Type="SecureString")

    hidden = ssm.get_parameter(Name="/smoke/token-secret")["Parameter"]["Value"]
    shown = ssm.get_parameter(Name="/smoke/token-secret", WithDecryption=True)["Parameter"]["Value"]

    assert (hidden != "quiet", shown) == (True, "quiet")


def test_iam_makes_a_role_that_sts_can_assume(aws: LocalAws) -> None:
    arn = role(aws, "smoke", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, [])

    assumed = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="smoke")

    assert assumed["AssumedRoleUser"]["Arn"].endswith("assumed-role/smoke/smoke")


def test_ec2_makes_a_network_with_a_security_group(aws: LocalAws) -> None:
    ec2 = aws.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=network, GroupName="smoke", Description="smoke")

    found = ec2.describe_security_groups(GroupIds=[group["GroupId"]])["SecurityGroups"][0]

    assert subnet.startswith("subnet-")
    assert found["VpcId"] == network


# -- EMR -----------------------------------------------------------------------------------------
SQUARES = """
import sys
import numpy
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
numbers = spark.read.csv(sys.argv[1], schema="n int")
numbers.selectExpr("n * n AS square").coalesce(1).write.json(sys.argv[2])
print("zone", spark.conf.get("spark.sql.session.timeZone"), "numpy", bool(numpy.__version__))
"""


def in_state(aws: LocalAws, cluster: str, state: str) -> dict[str, Any]:
    """Wait until the cluster is in this state and return its status."""

    def status() -> dict[str, Any] | None:
        found = aws.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
        return found if found["State"] == state else None

    answer: dict[str, Any] = until(status, f"cluster {cluster} in the state {state}")
    return answer


@pytest.fixture(scope="module")
def nodes(aws: LocalAws) -> str:
    """Return the instance profile of clusters that may use the bucket of these tests."""
    return instance_profile(aws, "smoke-nodes", bucket_rights("smoke-emr"))


@pytest.fixture(scope="module")
def cluster(aws: LocalAws, nodes: str) -> str:
    """Create a cluster as Terraform does, with its own bucket; return its id."""
    aws.client("s3").create_bucket(Bucket="smoke-emr")
    answer = aws.client("emr").run_job_flow(
        Name="smoke",
        ReleaseLabel="emr-spark-8.1.0",
        LogUri="s3://smoke-emr/logs/",
        JobFlowRole=nodes,
        ServiceRole="service-role",
        Applications=[{"Name": "Spark"}],
        Tags=[{"Key": "project", "Value": "marquee"}],
        BootstrapActions=[
            {"Name": "numpy", "ScriptBootstrapAction": {"Path": "s3://smoke-emr/b.sh", "Args": []}}
        ],
        Configurations=[
            {
                "Classification": "spark-defaults",
                "Properties": {
                    "spark.sql.session.timeZone": "Asia/Tokyo",
                    "spark.pyspark.python": "/nowhere/python3.13",
                },
                "Configurations": [],
            },
            {
                "Classification": "spark-env",
                "Properties": {},
                "Configurations": [
                    {"Classification": "export", "Properties": {"A": "1"}, "Configurations": []}
                ],
            },
        ],
        Instances={
            "KeepJobFlowAliveWhenNoSteps": True,
            "InstanceGroups": [
                {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1},
                {"InstanceRole": "CORE", "InstanceType": "m5.xlarge", "InstanceCount": 2},
            ],
        },
    )
    cluster_id: str = answer["JobFlowId"]
    in_state(aws, cluster_id, "WAITING")
    return cluster_id


def submit(aws: LocalAws, cluster: str, name: str, *arguments: str) -> str:
    """Add one spark-submit step; return its id."""
    step = {
        "Name": name,
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": ["spark-submit", "--deploy-mode", "client", *arguments],
        },
    }
    ids = aws.client("emr").add_job_flow_steps(JobFlowId=cluster, Steps=[step])["StepIds"]
    step_id: str = ids[0]
    return step_id


def ended(aws: LocalAws, cluster: str, step: str) -> dict[str, Any]:
    """Wait until a step has ended and return its status."""

    def status() -> dict[str, Any] | None:
        found = aws.client("emr").describe_step(ClusterId=cluster, StepId=step)["Step"]["Status"]
        return found if found["State"] in ("COMPLETED", "FAILED", "CANCELLED") else None

    answer: dict[str, Any] = until(status, f"the end of step {step}")
    return answer


def step_log(aws: LocalAws, cluster: str, step: str, stream: str) -> str:
    """Return a step's log as the local EMR stored it."""
    key = f"logs/{cluster}/steps/{step}/{stream}.gz"
    stored = aws.client("s3").get_object(Bucket="smoke-emr", Key=key)["Body"].read()
    return gzip.decompress(stored).decode()


def test_emr_really_runs_a_spark_step_on_s3_objects(aws: LocalAws, cluster: str) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket="smoke-emr", Key="steps/squares.py", Body=SQUARES)
    s3.put_object(Bucket="smoke-emr", Key="in/numbers.csv", Body="3\n4\n")

    began = time.monotonic()
    step = submit(
        aws,
        cluster,
        "squares",
        "s3://smoke-emr/steps/squares.py",
        "s3://smoke-emr/in/",
        "s3://smoke-emr/out/",
    )
    status = ended(aws, cluster, step)
    print(f"a tiny spark-submit step took {time.monotonic() - began:.1f} s")

    log = step_log(aws, cluster, step, "stderr")
    assert status["State"] == "COMPLETED", log
    written = {
        item["Key"]: s3.get_object(Bucket="smoke-emr", Key=item["Key"])["Body"].read().decode()
        for item in s3.list_objects_v2(Bucket="smoke-emr", Prefix="out/")["Contents"]
    }
    assert "out/_SUCCESS" in written
    lines = "".join(written.values()).split()
    assert sorted(lines) == ['{"square":16}', '{"square":9}']
    assert "zone Asia/Tokyo numpy True" in step_log(aws, cluster, step, "stdout")


def test_emr_says_why_a_step_failed(aws: LocalAws, cluster: str) -> None:
    aws.client("s3").put_object(
        Bucket="smoke-emr", Key="steps/fails.py", Body="raise ValueError('no model here')\n"
    )

    step = submit(aws, cluster, "fails", "s3://smoke-emr/steps/fails.py")
    status = ended(aws, cluster, step)

    assert status["State"] == "FAILED"
    details = status["FailureDetails"]
    assert "ValueError: no model here" in details["Message"]
    assert details["LogFile"] == f"s3://smoke-emr/logs/{cluster}/steps/{step}/stdout.gz"
    assert "no model here" in step_log(aws, cluster, step, "stdout")


@pytest.mark.skipif(
    not emulator.chosen_emulator().enforces_iam,
    reason="this emulator lets every role do everything",
)
def test_emr_fails_a_step_whose_role_lacks_a_folders_bare_name(aws: LocalAws, cluster: str) -> None:
    """EMR's S3 client sends HEAD for `visitors` before it lists `visitors/`."""
    keys = ["logs/*", "steps/*", "visitors/*"]
    s3 = aws.client("s3")
    s3.put_object(Bucket="smoke-emr", Key="visitors/a.json", Body="{}")
    s3.put_object(Bucket="smoke-emr", Key="steps/reads.py", Body="print('read')\n")
    narrow = aws.client("emr").run_job_flow(
        Name="narrow",
        ReleaseLabel="emr-spark-8.1.0",
        LogUri="s3://smoke-emr/logs/",
        JobFlowRole=instance_profile(aws, "without-bare-name", bucket_rights("smoke-emr", *keys)),
        ServiceRole="service-role",
        Instances={"KeepJobFlowAliveWhenNoSteps": True},
    )["JobFlowId"]

    step = submit(aws, narrow, "reads", "s3://smoke-emr/steps/reads.py", "s3://smoke-emr/visitors/")
    state = ended(aws, narrow, step)["State"]
    stderr = step_log(aws, narrow, step, "stderr")

    assert state == "FAILED"
    assert "java.nio.file.AccessDeniedException: s3://smoke-emr/visitors: getFileStatus" in stderr
    assert "403 Forbidden" in stderr


def test_emr_cancels_a_running_step_and_a_pending_one(aws: LocalAws, cluster: str) -> None:
    emr = aws.client("emr")
    aws.client("s3").put_object(
        Bucket="smoke-emr", Key="steps/sleeps.py", Body="import time\ntime.sleep(300)\n"
    )
    running = submit(aws, cluster, "running", "s3://smoke-emr/steps/sleeps.py")
    pending = submit(aws, cluster, "pending", "s3://smoke-emr/steps/sleeps.py")
    listed = emr.list_steps(ClusterId=cluster, StepStates=["PENDING", "RUNNING"])["Steps"]
    assert [(s["Id"], s["Status"]["State"]) for s in listed] == [
        (pending, "PENDING"),
        (running, "RUNNING"),
    ]

    emr.cancel_steps(ClusterId=cluster, StepIds=[running, pending])

    assert ended(aws, cluster, running)["State"] == "CANCELLED"
    assert ended(aws, cluster, pending)["State"] == "CANCELLED"


def test_emr_notifies_eventbridge_of_a_failed_step(aws: LocalAws, cluster: str) -> None:
    events = aws.client("events")
    url, arn = queue(aws, "smoke-failed-steps", Policy=queue_policy("events.amazonaws.com"))
    pattern = {
        "source": ["aws.emr"],
        "detail-type": ["EMR Step Status Change"],
        "detail": {"state": ["FAILED"], "clusterId": [cluster]},
    }
    events.put_rule(Name="failed-steps", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="failed-steps", Targets=[{"Id": "queue", "Arn": arn}])

    step = submit(aws, cluster, "lost", "s3://smoke-emr/steps/not-there.py")
    event = json.loads(until(lambda: messages(aws, url), "the event")[0]["Body"])

    assert event["detail"] | {"message": ""} == {
        "severity": "ERROR",
        "actionOnFailure": "CONTINUE",
        "stepId": step,
        "name": "lost",
        "clusterId": cluster,
        "state": "FAILED",
        "message": "",
    }


def test_emr_runs_steps_of_two_clusters_concurrently(
    aws: LocalAws, cluster: str, nodes: str
) -> None:
    emr = aws.client("emr")
    script = (
        "import sys, time\n"
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "time.sleep(3)\n"
        "spark.range(9).repartition(3).write.parquet(sys.argv[1])\n"
    )
    aws.client("s3").put_object(Bucket="smoke-emr", Key="steps/meets.py", Body=script)
    other = emr.run_job_flow(
        Name="other",
        ReleaseLabel="emr-spark-8.1.0",
        LogUri="s3://smoke-emr/logs/",
        JobFlowRole=nodes,
        ServiceRole="service-role",
        Instances={"KeepJobFlowAliveWhenNoSteps": True},
    )["JobFlowId"]

    steps = {
        name: submit(aws, name, "meets", "s3://smoke-emr/steps/meets.py", f"s3://smoke-emr/{name}/")
        for name in (cluster, other)
    }
    ends = {name: ended(aws, name, step) for name, step in steps.items()}

    for name, end in ends.items():
        assert end["State"] == "COMPLETED", step_log(aws, name, steps[name], "stdout")
    starts = [end["Timeline"]["StartDateTime"] for end in ends.values()]
    assert max(starts) < min(end["Timeline"]["EndDateTime"] for end in ends.values())


def test_emr_answers_an_unsupported_operation_with_a_clear_400(aws: LocalAws, cluster: str) -> None:
    with pytest.raises(ClientError, match="does not offer ListStudios") as refused:
        aws.client("emr").list_studios()

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_emr_rejects_an_unknown_cluster(aws: LocalAws, cluster: str) -> None:
    with pytest.raises(ClientError, match="Cluster id 'j-NOTHERE' is not valid"):
        aws.client("emr").add_job_flow_steps(JobFlowId="j-NOTHERE", Steps=[])


def test_emr_does_not_change_the_security_groups_of_its_cluster(aws: LocalAws) -> None:
    ec2 = aws.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=network, GroupName="nodes", Description="nodes")
    rules = {"Filters": [{"Name": "group-id", "Values": [group["GroupId"]]}]}
    before = ec2.describe_security_group_rules(**rules)["SecurityGroupRules"]

    made = aws.client("emr").run_job_flow(
        Name="in a network",
        ReleaseLabel="emr-spark-8.1.0",
        JobFlowRole="instance-profile",
        ServiceRole="service-role",
        Instances={
            "KeepJobFlowAliveWhenNoSteps": True,
            "Ec2SubnetId": subnet,
            "EmrManagedMasterSecurityGroup": group["GroupId"],
            "EmrManagedSlaveSecurityGroup": group["GroupId"],
            "InstanceGroups": [
                {"InstanceRole": "MASTER", "InstanceType": "m7g.xlarge", "InstanceCount": 1}
            ],
        },
    )
    described = aws.client("emr").describe_cluster(ClusterId=made["JobFlowId"])["Cluster"]

    assert described["Ec2InstanceAttributes"]["EmrManagedMasterSecurityGroup"] == group["GroupId"]
    assert ec2.describe_security_group_rules(**rules)["SecurityGroupRules"] == before


def test_emr_describes_all_that_terraform_reads_of_a_cluster(aws: LocalAws, cluster: str) -> None:
    emr = aws.client("emr")

    described = emr.describe_cluster(ClusterId=cluster)["Cluster"]
    groups = emr.list_instance_groups(ClusterId=cluster)["InstanceGroups"]
    actions = emr.list_bootstrap_actions(ClusterId=cluster)["BootstrapActions"]

    assert described["ReleaseLabel"] == "emr-spark-8.1.0"
    assert described["Tags"] == [{"Key": "project", "Value": "marquee"}]
    assert [application["Name"] for application in described["Applications"]] == ["Spark"]
    spark_defaults, spark_env = described["Configurations"]
    assert set(spark_defaults) == {"Classification", "Properties"}
    assert spark_env == {
        "Classification": "spark-env",
        "Properties": {},
        "Configurations": [{"Classification": "export", "Properties": {"A": "1"}}],
    }
    assert described["LogUri"] == "s3://smoke-emr/logs/"
    assert {(g["InstanceGroupType"], g["RequestedInstanceCount"]) for g in groups} == {
        ("MASTER", 1),
        ("CORE", 2),
    }
    assert [action["ScriptPath"] for action in actions] == ["s3://smoke-emr/b.sh"]
    assert emr.get_auto_termination_policy(ClusterId=cluster).get("AutoTerminationPolicy") is None


def test_emr_ends_a_cluster_with_its_instance_groups(aws: LocalAws) -> None:
    emr = aws.client("emr")
    made = emr.run_job_flow(
        Name="short",
        ReleaseLabel="emr-spark-8.1.0",
        JobFlowRole="instance-profile",
        ServiceRole="service-role",
        Instances={
            "KeepJobFlowAliveWhenNoSteps": True,
            "InstanceGroups": [
                {"InstanceRole": "MASTER", "InstanceType": "m7g.xlarge", "InstanceCount": 1}
            ],
        },
    )["JobFlowId"]

    in_state(aws, made, "WAITING")
    emr.terminate_job_flows(JobFlowIds=[made])

    status = in_state(aws, made, "TERMINATED")
    (listed,) = [found for found in emr.list_clusters()["Clusters"] if found["Id"] == made]
    groups = emr.list_instance_groups(ClusterId=made)["InstanceGroups"]
    assert status["StateChangeReason"] == {
        "Code": "USER_REQUEST",
        "Message": "Terminated by user request",
    }
    assert set(status["Timeline"]) == {"CreationDateTime", "ReadyDateTime", "EndDateTime"}
    assert listed["Status"] == status
    assert [group["Status"]["State"] for group in groups] == ["TERMINATED"]


def test_emr_starts_a_cluster_of_fleets_and_adds_task_nodes(aws: LocalAws) -> None:
    emr, ec2 = aws.client("emr"), aws.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=network, CidrBlock=f"10.9.{n}.0/24")["Subnet"]["SubnetId"]
        for n in (1, 2)
    ]
    types = [{"InstanceType": "m7g.xlarge"}, {"InstanceType": "m6g.xlarge"}]
    made = emr.run_job_flow(
        Name="fleets",
        ReleaseLabel="emr-spark-8.1.0",
        JobFlowRole="instance-profile",
        ServiceRole="service-role",
        Instances={
            "KeepJobFlowAliveWhenNoSteps": True,
            "Ec2SubnetIds": subnets,
            "InstanceFleets": [
                {
                    "InstanceFleetType": "MASTER",
                    "TargetOnDemandCapacity": 1,
                    "InstanceTypeConfigs": types,
                }
            ],
        },
    )["JobFlowId"]
    in_state(aws, made, "WAITING")
    task = {
        "InstanceFleetType": "TASK",
        "TargetSpotCapacity": 2,
        "InstanceTypeConfigs": types,
    }

    emr.add_instance_fleet(ClusterId=made, InstanceFleet=task)

    described = emr.describe_cluster(ClusterId=made)["Cluster"]
    fleets = emr.list_instance_fleets(ClusterId=made)["InstanceFleets"]
    assert described["InstanceCollectionType"] == "INSTANCE_FLEET"
    assert described["Ec2InstanceAttributes"]["RequestedEc2SubnetIds"] == subnets
    assert described["Ec2InstanceAttributes"]["Ec2SubnetId"] in subnets
    assert [(each["InstanceFleetType"], each["TargetSpotCapacity"]) for each in fleets] == [
        ("MASTER", 0),
        ("TASK", 2),
    ]
    with pytest.raises(ClientError, match="mutually exclusive"):
        emr.list_instance_groups(ClusterId=made)
    emr.terminate_job_flows(JobFlowIds=[made])
    in_state(aws, made, "TERMINATED")


# -- Lambda --------------------------------------------------------------------------------------
PARROT = """
import os
import parrot

def handler(event, context):
    print("heard", event)
    return {
        "said": parrot.say(event["word"]),
        "trace": os.environ.get("_X_AMZN_TRACE_ID", ""),
        "remaining": context.get_remaining_time_in_millis(),
        "environment": dict(os.environ),
    }
"""


@pytest.fixture(scope="module")
def parrot(aws: LocalAws) -> str:
    """Create a function with a layer; return its name."""
    layer = aws.client("lambda").publish_layer_version(
        LayerName="smoke-parrot",
        Content={
            "ZipFile": functions.archive({"python/parrot.py": "def say(word): return word * 2\n"})
        },
    )["LayerVersionArn"]
    return functions.create(
        aws,
        "smoke-parrot",
        PARROT,
        Layers=[layer],
        Environment={"Variables": {"MARQUEE_ENVIRONMENT": "smoke"}},
    )


def test_lambda_runs_a_function_with_its_layer(aws: LocalAws, parrot: str) -> None:
    answer, error = functions.invoke(aws, parrot, {"word": "ha"})

    assert (answer["said"], error) == ("haha", None)
    assert 0 < answer["remaining"] <= 10_000


def test_lambda_gives_a_function_only_the_variables_that_aws_gives(
    aws: LocalAws, parrot: str
) -> None:
    answer, _ = functions.invoke(aws, parrot, {"word": "ha"})
    environment = answer["environment"]

    assert environment["MARQUEE_ENVIRONMENT"] == "smoke"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert [name for name in environment if name.startswith(EMULATORS)] == []
    assert [name for name in environment if name.startswith("MARQUEE_")] == ["MARQUEE_ENVIRONMENT"]
    assert "Root=" in answer["trace"]


def test_lambda_logs_what_a_function_prints(aws: LocalAws, parrot: str) -> None:
    functions.invoke(aws, parrot, {"word": "loud"})

    logged = until(
        lambda: (text := functions.log(aws, "smoke-parrot")) and "loud" in text and text,
        "the log",
    )
    assert "heard {'word': 'loud'}" in logged
    assert "REPORT RequestId:" in logged


def test_lambda_keeps_the_log_of_a_failed_import(aws: LocalAws) -> None:
    functions.create(aws, "smoke-broken", "print('about to break')\nimport nowhere\n")

    answer, error = functions.invoke(aws, "smoke-broken", {})

    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.ImportModuleError"
    logged = until(lambda: functions.log(aws, "smoke-broken"), "the log")
    assert "about to break" in logged
    assert "No module named 'nowhere'" in logged


def test_lambda_ends_a_function_that_takes_too_long(aws: LocalAws) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"
    functions.create(aws, "smoke-slow", code, Timeout=1)

    late, error = functions.invoke(aws, "smoke-slow", 30)
    again, _ = functions.invoke(aws, "smoke-slow", 0)

    assert (error, "Task timed out after 1.00 seconds" in late["errorMessage"]) == (
        "Unhandled",
        True,
    )
    assert again == "done"


def test_lambda_reports_a_function_that_ends_itself(aws: LocalAws) -> None:
    code = "import os\ndef handler(event, context):\n    os._exit(7)\n"
    functions.create(aws, "smoke-exit", code)

    answer, error = functions.invoke(aws, "smoke-exit", {})

    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.ExitError"
    assert "exit status 7" in answer["errorMessage"]


def test_lambda_gives_a_function_the_address_of_the_xray_daemon(
    aws: LocalAws, parrot: str, xray_daemon: socket.socket
) -> None:
    answer, _ = functions.invoke(aws, parrot, {"word": "ha"})

    daemon = f"127.0.0.1:{xray_daemon.getsockname()[1]}"
    assert answer["environment"]["AWS_XRAY_DAEMON_ADDRESS"] == daemon


COUNTS_BATCHES = """
def handler(event, context):
    print("batch of", len(event["Records"]))
"""


def test_lambda_collects_a_burst_of_a_queue_into_few_batches(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    url, arn = queue(aws, "smoke-burst", VisibilityTimeout="60")
    functions.create(aws, "smoke-burst", COUNTS_BATCHES, rights=[(CONSUME, arn)])
    aws.client("lambda").create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName="smoke-burst",
        BatchSize=500,
        MaximumBatchingWindowInSeconds=2,
    )
    for start in range(0, 300, 10):
        sqs.send_message_batch(
            QueueUrl=url,
            Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(start, start + 10)],
        )

    def batches() -> list[int] | None:
        lines = functions.log(aws, "smoke-burst").splitlines()
        sizes = [int(line.split()[-1]) for line in lines if line.startswith("batch of")]
        return sizes if sum(sizes) == 300 else None

    sizes = until(batches, "all 300 messages")
    print(f"300 messages arrived in batches of {sizes}")
    assert len(sizes) <= 4


def test_lambda_sends_a_failed_asynchronous_call_to_its_dead_letter_queue(aws: LocalAws) -> None:
    url, arn = queue(aws, "smoke-async-dead")
    code = "def handler(event, context):\n    raise RuntimeError('always')\n"
    functions.create(
        aws,
        "smoke-async",
        code,
        rights=[("sqs:SendMessage", arn)],
        DeadLetterConfig={"TargetArn": arn},
    )

    aws.client("lambda").invoke(
        FunctionName="smoke-async", InvocationType="Event", Payload=b'{"step": 1}'
    )

    letter = until(lambda: messages(aws, url), "the dead letter")[0]
    assert json.loads(letter["Body"]) == {"step": 1}


# -- API Gateway, EventBridge, CloudWatch, CloudFormation ----------------------------------------
def test_apigateway_calls_a_function(aws: LocalAws) -> None:
    code = """
    import json
    def handler(event, context):
        return {"statusCode": 201, "body": json.dumps({"path": event["path"]})}
    """
    functions.create(aws, "smoke-api", code)
    address = functions.behind_api(aws, "smoke-api", "health")
    functions.let_api_call(aws, "smoke-api", address)

    with urlopen(address, timeout=120) as answer:  # noqa: S310
        assert (answer.status, json.load(answer)) == (201, {"path": "/health"})


SAYS_SOURCE = """
def handler(event, context):
    print("woken by", event.get("source"))
"""


def wake(aws: LocalAws, name: str, **rule: str) -> None:
    """Create a function that an EventBridge rule calls."""
    arn = functions.create(aws, name, SAYS_SOURCE)
    events = aws.client("events")
    rule_arn = events.put_rule(Name=name, **rule)["RuleArn"]
    aws.client("lambda").add_permission(
        FunctionName=name,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )
    events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": arn}])


def test_eventbridge_calls_a_function_when_an_event_matches(aws: LocalAws) -> None:
    wake(aws, "smoke-woken", EventPattern=json.dumps({"source": ["smoke"]}))

    aws.client("events").put_events(
        Entries=[{"Source": "smoke", "DetailType": "test", "Detail": "{}"}]
    )

    until(lambda: "woken by smoke" in functions.log(aws, "smoke-woken"), "the call")


def test_eventbridge_calls_a_function_on_a_schedule(aws: LocalAws) -> None:
    wake(aws, "smoke-clock", ScheduleExpression="rate(1 minute)")

    until(lambda: "woken by aws.events" in functions.log(aws, "smoke-clock"), "the call")


def test_cloudwatch_keeps_metrics_alarms_and_dashboards(aws: LocalAws) -> None:
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="Smoke", MetricData=[{"MetricName": "texted", "Value": 1, "Unit": "Count"}]
    )
    cloudwatch.put_metric_alarm(
        AlarmName="smoke",
        Namespace="Smoke",
        MetricName="texted",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[{"Key": "project", "Value": "marquee"}],
    )
    widget = {"type": "text", "x": 0, "y": 0, "width": 3, "height": 3, "properties": {}}
    cloudwatch.put_dashboard(DashboardName="smoke", DashboardBody=json.dumps({"widgets": [widget]}))

    metrics = cloudwatch.list_metrics(Namespace="Smoke")["Metrics"]
    alarms = cloudwatch.describe_alarms(AlarmNames=["smoke"])["MetricAlarms"]
    assert [metric["MetricName"] for metric in metrics] == ["texted"]
    (alarm,) = alarms
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "project", "Value": "marquee"}]
    assert "widgets" in cloudwatch.get_dashboard(DashboardName="smoke")["DashboardBody"]


def test_logs_keep_a_groups_retention(aws: LocalAws) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/smoke")
    logs.put_retention_policy(logGroupName="/smoke", retentionInDays=30)

    groups = logs.describe_log_groups(logGroupNamePrefix="/smoke")["logGroups"]

    assert groups[0]["retentionInDays"] == 30


def test_cloudformation_reads_ssm_parameters(aws: LocalAws) -> None:
    aws.client("ssm").put_parameter(Name="/smoke/queue-name", Value="smoke-by-stack", Type="String")
    aws.client("ssm").put_parameter(Name="/smoke/topic-name", Value="smoke-topic", Type="String")
    template = {
        "Parameters": {
            "QueueName": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/smoke/queue-name",
            }
        },
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "QueueName"}}},
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"TopicName": "{{resolve:ssm:/smoke/topic-name}}"},
            },
        },
        "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}},
    }
    cloudformation = aws.client("cloudformation")

    cloudformation.create_stack(StackName="smoke", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="smoke", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )

    outputs = cloudformation.describe_stacks(StackName="smoke")["Stacks"][0]["Outputs"]
    assert outputs[0]["OutputValue"].endswith(":smoke-topic")
    assert aws.client("sqs").get_queue_url(QueueName="smoke-by-stack")["QueueUrl"]


# -- Faults --------------------------------------------------------------------------------------
def fault(aws: LocalAws, **fields: object) -> None:
    """Plant a fault."""
    request = Request(  # noqa: S310
        f"{aws.endpoint}/_marquee/faults", data=json.dumps(fields).encode(), method="POST"
    )
    with urlopen(request, timeout=120) as answer:  # noqa: S310
        assert answer.status == 200


def test_a_fault_before_a_call_prevents_it(aws: LocalAws, cluster: str) -> None:
    emr = aws.client("emr")
    before = len(emr.list_steps(ClusterId=cluster)["Steps"])
    fault(aws, service="emr", operation="AddJobFlowSteps", error="ThrottlingException")

    with pytest.raises(ClientError, match="ThrottlingException"):
        submit(aws, cluster, "throttled", "s3://smoke-emr/steps/fails.py")

    assert len(emr.list_steps(ClusterId=cluster)["Steps"]) == before


def test_a_fault_after_a_call_leaves_it_carried_out(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="smoke-after")
    fault(aws, service="s3", operation="PutObject", error="SlowDown", when="after", status=503)

    with pytest.raises(ClientError, match="SlowDown"):
        s3.put_object(Bucket="smoke-after", Key="a", Body=b"1")

    assert s3.get_object(Bucket="smoke-after", Key="a")["Body"].read() == b"1"


WRITES_TWICE = """
import boto3
sqs = boto3.client("sqs")
def handler(event, context):
    for body in ("first", "second", "third"):
        sqs.send_message(QueueUrl=event, MessageBody=body)
"""


def test_a_fault_kills_a_function_between_its_writes(aws: LocalAws) -> None:
    url, arn = queue(aws, "smoke-dies")
    functions.create(aws, "smoke-dies", WRITES_TWICE, rights=[("sqs:SendMessage", arn)])
    fault(aws, service="sqs", operation="SendMessage", kill=True, when="after", skip=1)

    answer, error = functions.invoke(aws, "smoke-dies", url)

    assert (error, answer["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert [message["Body"] for message in messages(aws, url)] == ["first", "second"]


def test_an_invalid_fault_is_rejected(aws: LocalAws) -> None:
    with pytest.raises(HTTPError, match="400"):
        fault(aws, service="s3", operation="PutObject", when="sometimes")
