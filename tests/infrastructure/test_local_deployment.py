"""A running deployment has what Terraform and the site's hosting should give it."""

import json
import re
import uuid
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.deployment import RunningDeployment, eventually


def test_a_second_plan_changes_nothing(deployment: RunningDeployment) -> None:
    planned = deployment.python("-m", "operations", "plan", "--expect-none")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "No changes." in planned.stdout


def got(deployment: RunningDeployment, url: str) -> httpx.Response:
    """Fetch a page of the site, also where the resolver does not know names below localhost."""
    if not deployment.is_local:
        return deployment.http.get(url)
    host = urlsplit(url).netloc
    path = url.partition(host)[2]
    return deployment.http.get(f"{deployment.endpoint}{path}", headers={"Host": host})


@pytest.mark.parametrize("address", ["nowhere", "nowhere/at/all"])
def test_an_unknown_address_shows_the_404_page(deployment: RunningDeployment, address: str) -> None:
    answer = got(deployment, urljoin(deployment.site_url, address))
    assert answer.status_code == 404
    assert "<h1" in answer.text
    assert "Page not found" in answer.text


@pytest.mark.parametrize("address", ["nowhere", "nowhere/at/all"])
def test_the_links_of_the_404_page_work_from_every_address(
    deployment: RunningDeployment, address: str
) -> None:
    shown_at = urljoin(deployment.site_url, address)
    links = re.findall(r'(?:href|src)="([^"]+)"', got(deployment, shown_at).text)
    assert any(link.endswith("/marquee.css") for link in links)
    answers = {link: got(deployment, urljoin(shown_at, link)).status_code for link in links}
    assert answers == dict.fromkeys(links, 200)


@pytest.fixture
def news(local: RunningDeployment) -> Iterator[str]:
    """Yield the URL of a queue that receives what is published to the alarms' topic."""
    queues, topics = local.client("sqs"), local.client("sns")
    topic = local.parameters["alarms-topic-arn"]
    url = queues.create_queue(QueueName=f"marquee-test-news-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    named = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = named["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    subscription = topics.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    try:
        yield url
    finally:
        topics.unsubscribe(SubscriptionArn=subscription)
        queues.delete_queue(QueueUrl=url)


def test_the_alarms_topic_names_a_failed_step(local: RunningDeployment, news: str) -> None:
    cluster = local.parameters["cluster-id"]
    missing = f"s3://{local.parameters['artifacts-bucket']}/steps/not-there.py"
    step = {
        "Name": "prepare-nothing",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["spark-submit", missing]},
    }
    (step_id,) = local.client("emr").add_job_flow_steps(JobFlowId=cluster, Steps=[step])["StepIds"]

    def received_messages() -> list[str]:
        received = local.client("sqs").receive_message(
            QueueUrl=news, WaitTimeSeconds=1, MaxNumberOfMessages=10
        )
        return [message["Body"] for message in received.get("Messages", [])]

    messages = eventually(
        received_messages, lambda seen: any(step_id in each for each in seen), f"news of {step_id}"
    )
    (message,) = [each for each in messages if step_id in each]
    assert message.strip('"').startswith(
        f"Step prepare-nothing ({step_id}) of marquee-{local.environment} failed at "
    )
    assert f"/logs/{cluster}/steps/{step_id}/" in message
