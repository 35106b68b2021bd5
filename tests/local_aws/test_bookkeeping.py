"""What the emulator no longer writes down."""

from tests.local_aws.conftest import LocalAws


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
