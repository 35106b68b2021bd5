"""Marquee's AWS resources under moto, and functions that use them."""

import importlib.util
import json
import logging
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import numpy as np
from aws_lambda_powertools.utilities import parameters

from marquee.aws import wiring
from marquee.contracts import CurrentModel
from marquee.recommender.model import Counts, LikedShareCalibration, Model, Movie
from marquee.recommender.model_folder import to_files
from operations.sam_template import load_template
from tests.models import ranking_of, rating_of

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
SECRET = "a-test-secret-of-thirty-two-chars"
MODEL_ID = "20261121t200000z-0a1b2c"
DATASET = "embedded"
MOVIES = range(1, 41)
MESSAGES = tuple(f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed"))


@dataclass
class Aws:
    """The names and clients of one fake account."""

    environment: dict[str, str]
    cluster_id: str
    queues: dict[str, str]
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return the only client of a service; making one takes longer than most calls."""
        if service not in self._clients:
            made = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]
            self._clients[service] = made
        return self._clients[service]

    def table(self, name: str) -> Any:
        if "tables" not in self._clients:
            self._clients["tables"] = boto3.resource("dynamodb", region_name=REGION)
        return self._clients["tables"].Table(self.environment[name])

    def load(self, function: str) -> ModuleType:
        """Load a function's module again, as a cold start does."""
        wiring.client.cache_clear()
        wiring._dynamodb.cache_clear()
        parameters.clear_caches()  # type: ignore[no-untyped-call]
        _forget_logger(function.replace("_", "-"))
        folder = ROOT / "functions" / function
        for name in [
            name for name in sys.modules if name.partition(".")[0] in _packages_in(folder)
        ]:
            del sys.modules[name]
        if str(folder) not in sys.path:  # Lambda has a function's folder on the path
            sys.path.append(str(folder))
        path = folder / "app.py"
        spec = importlib.util.spec_from_file_location(f"functions.{function}.app", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    def wipe_tables(self) -> None:
        """Delete the visitors, their counts, their idempotency records and all lists."""
        keys = {"VISITORS_TABLE": "visitor_id", "IDEMPOTENCY_TABLE": "id", "LISTS_TABLE": "list_id"}
        for table, key in keys.items():
            with self.table(table).batch_writer() as batch:
                for item in self.table(table).scan()["Items"]:
                    batch.delete_item(Key={key: item[key]})

    def wipe(self) -> None:
        """Delete everything that the functions wrote."""
        self.wipe_tables()
        s3 = self.client("s3")
        for bucket in ("ratings", "results", "models"):
            name = f"marquee-test-{bucket}"
            for listed in s3.list_objects_v2(Bucket=name).get("Contents", []):
                s3.delete_object(Bucket=name, Key=listed["Key"])
        for url in self.queues.values():
            held = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            if any(held["Attributes"][name] != "0" for name in MESSAGES):
                self.client("sqs").delete_queue(QueueUrl=url)
                self.client("sqs").create_queue(QueueName=url.rpartition("/")[2])
        self.cluster_id = os.environ["CLUSTER_ID"] = create_cluster(self.client("emr"))

    def messages(self, queue: str) -> list[dict[str, Any]]:
        answer = self.client("sqs").receive_message(
            QueueUrl=self.queues[queue], MaxNumberOfMessages=10
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def all_messages(self, queue: str) -> list[dict[str, Any]]:
        """Receive every message of the queue, ten at a time."""
        return [one for some in iter(lambda: self.messages(queue), []) for one in some]

    def step_names(self) -> list[str]:
        listed = self.client("emr").list_steps(ClusterId=self.cluster_id)["Steps"]
        return [step["Name"] for step in listed]


def _packages_in(folder: Path) -> set[str]:
    """Return the names of the packages in a function's own folder."""
    return {init.parent.name for init in folder.glob("*/__init__.py")}


def _forget_logger(service: str) -> None:
    """Remove a logger, so that the next one writes to the stdout of the current test."""
    logging.root.manager.loggerDict.pop(service, None)


def context(name: str) -> Any:
    return SimpleNamespace(
        function_name=f"marquee-test-{name}",
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:123456789012:function:{name}",
        aws_request_id="52fdfc07-2182-454f-963f-5f0f9a621d72",
        get_remaining_time_in_millis=lambda: 30_000,
    )


def event(name: str) -> dict[str, Any]:
    """Read a sample event."""
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return loaded


def create() -> Aws:
    """Create the resources that Terraform creates and the functions use."""
    s3 = boto3.client("s3", region_name=REGION)
    for kind in ("ratings", "models", "results"):
        s3.create_bucket(Bucket=f"marquee-test-{kind}")
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    _tables(dynamodb)
    sqs = boto3.client("sqs", region_name=REGION)
    queues = {
        kind: sqs.create_queue(QueueName=f"marquee-test-{kind}")["QueueUrl"]
        for kind in ("visitors", "results", "texts")
    }
    boto3.client("ssm", region_name=REGION).put_parameter(
        Name="/marquee/test/token-secret", Value=SECRET, Type="SecureString"
    )
    cluster_id = create_cluster(boto3.client("emr", region_name=REGION))
    return Aws(_environment(cluster_id, queues), cluster_id, queues)


def create_cluster(emr: Any) -> str:
    answer = emr.run_job_flow(
        Name="marquee-test",
        Instances={
            "InstanceCount": 1,
            "KeepJobFlowAliveWhenNoSteps": True,
            "MasterInstanceType": "m5.xlarge",
        },
        JobFlowRole="EMR_EC2_DefaultRole",
        ServiceRole="EMR_DefaultRole",
    )
    return str(answer["JobFlowId"])


def put_model(aws: Aws, dataset: str = DATASET, model_id: str = MODEL_ID) -> None:
    """Store a small model with tastes for low and for high movie ids, and publish it."""
    s3 = aws.client("s3")
    for name, content in to_files(replace(model_of_dataset(dataset), model_id=model_id)).items():
        s3.put_object(Bucket="marquee-test-models", Key=f"{model_id}/{name}", Body=content)
    current = CurrentModel(model_id, dataset, "2026-11-21T20:00:00.000Z", 100, 5000)
    s3.put_object(Bucket="marquee-test-models", Key="current.json", Body=current.to_json())


def put_titles(aws: Aws) -> None:
    with aws.table("MOVIES_TABLE").batch_writer() as batch:
        for movie_id in MOVIES:
            batch.put_item(
                Item={"dataset": DATASET, "movie_id": movie_id, "title": f"Film {movie_id}"}
            )


def model_of_dataset(dataset: str) -> Model:
    ids = np.array(MOVIES, dtype=np.int32)
    taste = np.where(ids <= 20, 1.0, -1.0)[:, None]
    offset = np.full(len(ids), 3.5)
    rating = rating_of(offset, taste, support=np.full(len(ids), 100), first=MOVIES[0])
    return Model(
        model_id=MODEL_ID,
        dataset=dataset,
        trained_at="2026-11-21T20:00:00.000Z",
        counts=Counts(users=100, movies=len(ids), ratings=5000, visitors=0),
        rating=rating,
        ranking=ranking_of(np.maximum(np.hstack([taste, -taste]), 0)),
        movies={
            movie_id: Movie(movie_id, f"Film {movie_id}", 1970 + movie_id, ("Drama",))
            for movie_id in MOVIES
        },
        questionnaire=tuple(range(1, 21)),
        metrics={},
        liked_share=LikedShareCalibration(intercept=0.3, slope=1.2),
    )


def _environment(cluster_id: str, queues: dict[str, str]) -> dict[str, str]:
    """Return the variables of all functions: the template's settings, and names of resources."""
    template = load_template({})
    settings: dict[str, str] = {}
    for function in (each.parent.name for each in (ROOT / "functions").glob("*/app.py")):
        settings |= template.settings(function)
    return settings | {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "ENVIRONMENT": "test",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "RATINGS_BUCKET": "marquee-test-ratings",
        "MODELS_BUCKET": "marquee-test-models",
        "RESULTS_BUCKET": "marquee-test-results",
        "VISITORS_TABLE": "marquee-test-visitors",
        "MOVIES_TABLE": "marquee-test-movies",
        "IDEMPOTENCY_TABLE": "marquee-test-idempotency",
        "LISTS_TABLE": "marquee-test-lists",
        "TEXTS_QUEUE_URL": queues["texts"],
        "VISITORS_QUEUE_URL": queues["visitors"],
        "RESULTS_QUEUE_URL": queues["results"],
        "BUSY_DELAY_SECONDS": "0",
        "CLUSTER_ID": cluster_id,
        "FORMER_CLUSTER_IDS": "none",
        "STEPS_PREFIX": "s3://marquee-test-artifacts/steps/1/",
        "SITE_URL": "https://d111111abcdef8.cloudfront.net/",
        "TOKEN_SECRET_NAME": "/marquee/test/token-secret",
        "MODEL_REFRESH_SECONDS": "0",
        "PHONE_WORK_TRIES": "1",
    }


def _tables(dynamodb: Any) -> None:
    def create_table(name: str, keys: dict[str, str], **more: Any) -> None:
        attributes = {**keys, **more.pop("attributes", {})}
        dynamodb.create_table(
            TableName=f"marquee-test-{name}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": kind} for key, kind in attributes.items()
            ],
            **more,
        )

    create_table("movies", {"dataset": "S", "movie_id": "N"})
    create_table("idempotency", {"id": "S"})
    create_table("lists", {"list_id": "S"})
    create_table(
        "visitors",
        {"visitor_id": "S"},
        attributes={"open_status": "S", "status_at": "S", "forget_on": "S", "forget_at": "N"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "open",
                "KeySchema": [
                    {"AttributeName": "open_status", "KeyType": "HASH"},
                    {"AttributeName": "status_at", "KeyType": "RANGE"},
                ],
                "Projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": ["version", "submission_id"],
                },
            },
            {
                "IndexName": "expiry",
                "KeySchema": [
                    {"AttributeName": "forget_on", "KeyType": "HASH"},
                    {"AttributeName": "forget_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    )
