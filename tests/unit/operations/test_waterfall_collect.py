"""Collecting the moments of a request from a fake account."""

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.emr.models import Step, emr_backends

from marquee.contracts import timestamp
from operations.deployment import Deployment
from operations.flow import Flow, Hop
from operations.waterfall import collect
from operations.waterfall.collect import collect_moments
from operations.waterfall.spans import Line
from operations.waterfall.waiting import PollPolicy
from tests.unit.aws import create_cluster

VISITOR_ID = "01jd5m8k3q9x7w2v4t6r8p0nzb"
OTHER_VISITOR_ID = "01jd5m8k3q9x7w2v4t6r8p0nzc"
SUBMISSION_ID = "9f2b6c1d4e8a70b35c6d9e1f2a3b4c5d"
STEP_LOG = (
    "[   0.0 s] recommend: began at 2026-11-28T15:00:04.500Z\n[   1.5 s] recommend: wrote picks\n"
)


@dataclass
class Account:
    """A fake account with one visitor; times are in seconds since the form."""

    deployment: Deployment
    # CloudWatch refuses lines that are older than two weeks.
    form_at: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    )

    def at(self, seconds: float) -> datetime:
        return self.form_at + timedelta(seconds=seconds)

    def logs(self, function: str, *lines: tuple[float, str]) -> None:
        """Store lines of a function; each has the seconds of its stamp and its text."""
        logs, group = boto3.client("logs"), f"/aws/lambda/marquee-staging-{function}"
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="1")
        logs.put_log_events(
            logGroupName=group,
            logStreamName="1",
            logEvents=[
                {"timestamp": int(self.at(seconds).timestamp() * 1000), "message": text}
                for seconds, text in lines
            ],
        )

    def ran(
        self,
        function: str,
        message: str,
        start: float,
        end: float,
        *,
        request_id: str = "",
        visitor_id: str = VISITOR_ID,
        init: str = "",
        stored_at: float | None = None,
        **fields: str,
    ) -> None:
        """Store what a function logs in one run about one visitor.

        Args:
            function: the function.
            message: the message about the visitor.
            start: when the run begins.
            end: when it ends.
            request_id: the run's request id; by default the function's name.
            visitor_id: the visitor.
            init: the end of the line REPORT.
            stored_at: the stamp of all lines; None for the times at which they were written.
            **fields: further fields of the message.
        """
        request_id = request_id or f"request-{function}"
        line = {
            "level": "INFO",
            "message": message,
            "timestamp": self.at(end).isoformat(timespec="milliseconds"),
            "function_request_id": request_id,
            "correlation_id": visitor_id,
            **fields,
        }
        took = (end - start) * 1000
        lines = [
            (start, f"START RequestId: {request_id} Version: 1\n"),
            (end, json.dumps(line)),
            (end, f"END RequestId: {request_id}\n"),
            (end, f"REPORT RequestId: {request_id}\tDuration: {took:.2f} ms\tBilled …{init}\n"),
        ]
        self.logs(function, *((at if stored_at is None else stored_at, text) for at, text in lines))

    def put_item(self, **changed: Any) -> None:
        item = {
            "visitor_id": VISITOR_ID,
            "requested_at": timestamp(self.form_at),
            "submission_id": SUBMISSION_ID,
            **changed,
        }
        boto3.resource("dynamodb").Table("visitors").put_item(Item=item)

    def run_step(self) -> None:
        """Add the recommend step, start it and store its log."""
        cluster_id = self.deployment.parameter("cluster-id")
        [step_id] = boto3.client("emr").add_job_flow_steps(
            JobFlowId=cluster_id,
            Steps=[
                {
                    "Name": f"recommend-{SUBMISSION_ID}",
                    "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["--model", "s3://m/1"]},
                }
            ],
        )["StepIds"]
        # moto starts no step by itself.
        self.stored_steps()[-1].start()
        boto3.client("s3").put_object(
            Bucket="artifacts",
            Key=f"logs/{cluster_id}/steps/{step_id}/stdout.gz",
            Body=gzip.compress(STEP_LOG.encode()),
        )

    def stored_steps(self) -> list[Step]:
        """Return the steps as moto holds them."""
        clusters = emr_backends["123456789012"]["us-east-1"].clusters
        return list(clusters[self.deployment.parameter("cluster-id")].steps)

    def flow(self, *hops: tuple[str, float]) -> Flow:
        """Return a followed flow with these statuses and their times."""
        return Flow(VISITOR_ID, [Hop(status, self.at(seconds), 0.0) for status, seconds in hops])

    def serve(self) -> None:
        """Store everything that a request without mishaps leaves."""
        self.put_item()
        self.ran("ingest", "visitor received", 0.0, 0.25)
        self.ran("submit-step", "visitor submitted", 2.0, 2.5)
        self.run_step()
        written_at = timestamp(self.at(7.0))
        self.ran("queue-results", "visitor recommended", 7.5, 8.25, results_written_at=written_at)
        self.ran("send-text", "text: texted", 8.5, 9.125)


HOPS = (("received", 0.0), ("recommended", 8.0), ("texted", 9.0))


@pytest.fixture
def account(mocked_aws: None, monkeypatch: pytest.MonkeyPatch) -> Account:
    one_look = {False: PollPolicy(0.0, 0.0)}
    monkeypatch.setattr(collect, "LOGS", one_look)
    monkeypatch.setattr(collect, "STEP_LOGS", one_look)
    boto3.client("s3").create_bucket(Bucket="artifacts")
    boto3.client("dynamodb").create_table(
        TableName="visitors",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "visitor_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "visitor_id", "AttributeType": "S"}],
    )
    deployment = Deployment("staging")
    deployment.__dict__["parameters"] = {
        "artifacts-bucket": "artifacts",
        "cluster-id": create_cluster(boto3.client("emr")),
        "visitors-table": "visitors",
    }
    return Account(deployment)


def test_every_moment_of_a_request_without_mishaps_is_found(account: Account) -> None:
    account.serve()
    found = collect_moments(account.deployment, account.flow(*HOPS))
    assert found.received_at == account.form_at
    assert found.answered_at == account.at(0.25)
    assert found.batch_at == account.at(2.0)
    assert found.results_at == account.at(7.0)
    assert (found.noticed_at, found.swept) == (account.at(7.5), False)
    assert found.recommended_at == account.at(8.0)
    assert found.texting_at == account.at(8.5)
    assert (found.ended_at, found.texted) == (account.at(9.0), True)
    (step,) = found.steps
    assert step.lines == (Line(1.5, "wrote picks"),)


def test_a_step_that_never_started_is_found_without_waiting_for_its_log(account: Account) -> None:
    account.serve()
    for stored in account.stored_steps():
        stored.start_date_time = None
    (step,) = collect_moments(account.deployment, account.flow(*HOPS)).steps
    assert (step.kind, step.started_at, step.lines) == ("recommend", None, ())


def test_the_begin_of_a_run_is_found_though_all_its_lines_are_stored_at_its_end(
    account: Account,
) -> None:
    account.serve()
    account.put_item(visitor_id=OTHER_VISITOR_ID)
    account.ran(
        "send-text",
        "text: texted",
        8.75,
        9.0,
        visitor_id=OTHER_VISITOR_ID,
        request_id="another",
        stored_at=9.0,
    )
    flow = account.flow(*HOPS)
    flow.visitor_id = OTHER_VISITOR_ID
    assert collect_moments(account.deployment, flow).texting_at == account.at(8.75)


def test_results_that_only_the_sweep_found_are_collected_by_it(account: Account) -> None:
    account.put_item()
    account.ran("reconcile", "visitor recommended", 7.5, 8.25)
    found = collect_moments(account.deployment, account.flow(*HOPS))
    assert (found.noticed_at, found.swept) == (account.at(7.5), True)
    assert found.results_at is None


def test_what_is_recorded_nowhere_is_none(account: Account) -> None:
    account.put_item(submission_id=None)
    found = collect_moments(account.deployment, account.flow(("texted", 9.0)))
    assert found.steps == ()
    moments = (found.answered_at, found.batch_at, found.noticed_at, found.recommended_at)
    assert (*moments, found.texting_at) == (None,) * 5


def test_a_status_that_was_not_seen_in_time_is_taken_from_the_collectors_log(
    account: Account,
) -> None:
    account.serve()
    found = collect_moments(account.deployment, account.flow(("received", 0.0), ("texted", 9.0)))
    assert found.recommended_at == account.at(8.25)


def test_the_run_that_sent_the_text_is_not_the_one_that_found_it_sent(account: Account) -> None:
    account.put_item()
    account.ran("send-text", "text: nothing to do", 1.0, 2.0, request_id="repeated")
    account.ran("send-text", "text: texted", 8.5, 9.0)
    found = collect_moments(account.deployment, account.flow(*HOPS))
    assert found.texting_at == account.at(8.5)


def test_a_visitor_without_a_text_needs_no_log_of_send_text(account: Account) -> None:
    account.serve()
    found = collect_moments(account.deployment, account.flow(*HOPS[:2]))
    assert (found.texted, found.texting_at) == (False, None)


def test_a_run_whose_last_line_is_not_stored_yet_is_not_known(account: Account) -> None:
    account.put_item()
    line = {
        "message": "visitor submitted",
        "correlation_id": VISITOR_ID,
        "function_request_id": "request-1",
    }
    account.logs("submit-step", (2.0, "START RequestId: request-1"), (2.5, json.dumps(line)))
    assert collect_moments(account.deployment, account.flow(*HOPS)).batch_at is None


@pytest.mark.parametrize(("seconds", "busy"), [(1.0, True), (-10.0, False), (3.0, False)])
def test_the_cluster_was_busy_if_visitors_were_sent_back_while_this_one_waited(
    account: Account, seconds: float, busy: bool
) -> None:
    account.serve()
    account.logs("submit-step", (seconds, json.dumps({"message": "visitors wait for the cluster"})))
    found = collect_moments(account.deployment, account.flow(*HOPS))
    assert found.cluster_was_busy is busy


def test_cold_starts_are_read_from_the_runs_reports(account: Account) -> None:
    account.put_item()
    account.ran("ingest", "visitor received", 0.0, 0.25, init="\tInit Duration: 812.34 ms\t")
    found = collect_moments(account.deployment, account.flow(*HOPS))
    assert found.starts == {"form answered": pytest.approx(0.81234)}
