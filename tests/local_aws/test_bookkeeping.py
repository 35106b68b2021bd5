"""Records that our plugins keep the emulator from writing."""

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.conftest import LocalAws, until


def test_a_message_leaves_no_metric_in_cloudwatch(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="bookkeeping")["QueueUrl"]
    for _ in range(20):
        sqs.send_message(QueueUrl=url, MessageBody="a")
        sqs.receive_message(QueueUrl=url)

    assert aws.client("cloudwatch").list_metrics(Namespace="AWS/SQS")["Metrics"] == []


def test_a_call_leaves_no_record_in_cloudtrail(aws: LocalAws) -> None:
    aws.client("sqs").list_queues()

    assert aws.client("cloudtrail").lookup_events()["Events"] == []


def test_the_log_has_no_line_for_each_message_that_is_sent(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="in-the-log")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a")
    with pytest.raises(ClientError, match="does not exist"):
        sqs.send_message(QueueUrl=f"{url}-not-there", MessageBody="a")
    log = aws.state / "local_aws.log"

    def has(line: str) -> bool:
        return line in log.read_text(errors="replace")

    until(lambda: has("AWS sqs.SendMessage => 400"), "the line of a call that failed")
    assert has("AWS sqs.CreateQueue => 200")
    assert not has("AWS sqs.SendMessage => 200")
