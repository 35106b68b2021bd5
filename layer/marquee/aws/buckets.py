"""The S3 buckets: visitor objects, submissions, models and results."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marquee.contracts import (
    CurrentModel,
    ResultsPlace,
    Submission,
    VisitorObject,
    results_prefix,
    submission_key,
    visitors_prefix,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef


class UndeletedError(RuntimeError):
    """S3 did not delete an object; trying again is safe."""


class RatingsBucket:
    """The bucket of visitor objects and submissions.

    Implements `requests.ports.RatingsLog` and `requests.ports.Submissions`.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def append(self, visitor: VisitorObject) -> None:
        """Put the object at `visitor.key`.

        The bucket's event notification announces it in the visitors queue.
        """
        self._put(visitor.key, visitor.to_json(), "application/json")

    def forget(self, visitor_id: str, dates: Iterable[str]) -> None:
        """Delete the visitor's objects of these dates (YYYY-MM-DD); raises UndeletedError."""
        for date in dates:
            _delete_all(self._s3, self._bucket, f"{visitors_prefix(date)}{visitor_id}-")

    def count_since(self, moment: datetime, at_most: int) -> int:
        """Count the objects whose LastModified is later than `moment`, one date (UTC) at a time.

        Stops at `at_most`, so that it lists no more pages than the caller needs.

        The date in a key is that of the request. An object that was written after `moment` for a
        request of an earlier date is therefore not counted.
        """
        day, today, count = moment.astimezone(UTC).date(), datetime.now(UTC).date(), 0
        while day <= today:
            for written in self._written(visitors_prefix(f"{day:%Y-%m-%d}")):
                count += written > moment
                if count == at_most:
                    return count
            day += timedelta(days=1)
        return count

    def put(self, submission: Submission) -> None:
        """Put the submission as JSON Lines, one line per member."""
        self._put(submission.key, submission.to_json_lines(), "application/x-ndjson")

    def get(self, submission_id: str) -> Submission | None:
        """Look for the key, then read the object; raises ContractError if its format is wrong."""
        key = submission_key(submission_id)
        # List the key first: S3 answers a GET of a missing key with 403 unless the role may list
        # the whole bucket, including the visitor objects.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        listed = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        if listed["KeyCount"] == 0:
            return None
        answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        return Submission.from_json_lines(answer["Body"].read())

    def delete_submission(self, submission_id: str) -> None:
        """Delete the object; S3 reports success for a missing key as well."""
        self._s3.delete_object(Bucket=self._bucket, Key=submission_key(submission_id))

    def _put(self, key: str, body: str, content_type: str) -> None:
        self._s3.put_object(
            Bucket=self._bucket, Key=key, Body=body.encode(), ContentType=content_type
        )

    def _written(self, prefix: str) -> Iterator[datetime]:
        for page in _pages(self._s3, self._bucket, prefix):
            for item in page.get("Contents", []):
                yield item["LastModified"]


class ModelsBucket:
    """The bucket of models. Implements `requests.ports.Models`."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def current(self) -> CurrentModel | None:
        """Read the active pair from `current.json`, then the newest model of its data.

        Returns:
            The active model; None before the first model is published.

        Raises:
            ContractError: if the format of `current.json` or of the newest model's object is wrong.
        """
        pair = self._named_by("current.json")
        return pair and pair.with_newest(self._named_by(pair.data.newest_key))

    def _named_by(self, key: str) -> CurrentModel | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        return CurrentModel.from_json(answer["Body"].read())

    def model_ids(self) -> list[str]:
        """Return the names of the model folders, newest first; a name begins with the time."""
        pages = self._s3.get_paginator("list_objects_v2")
        folders = [
            folder["Prefix"].rstrip("/")
            for page in pages.paginate(Bucket=self._bucket, Delimiter="/")
            for folder in page.get("CommonPrefixes", [])
        ]
        return sorted(folders, reverse=True)

    def read(self, model_id: str, name: str) -> bytes:
        """Read one file of a model folder; raises LookupError if there is no such file."""
        key = f"{model_id}/{name}"
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey as error:
            raise LookupError(f"there is no s3://{self._bucket}/{key}") from error


class ResultsBucket:
    """The bucket of results. Implements `requests.ports.Results`."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def complete(self, submission_id: str) -> bool:
        """List the key of `_SUCCESS`, which Spark writes after all results."""
        key = f"{results_prefix(submission_id)}_SUCCESS"
        listed = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return listed["KeyCount"] > 0

    def lines(
        self, submission_id: str, after: ResultsPlace | None = None
    ) -> Iterator[tuple[ResultsPlace, bytes]]:
        """Read the `part-` objects in the order of their keys; blank lines are not counted.

        An object that is deleted while this runs is skipped.
        """
        pages = self._s3.get_paginator("list_objects_v2")
        prefix = f"{results_prefix(submission_id)}part-"
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Contents", []):  # S3 lists keys in order
                key = item["Key"]
                if after is not None and key < after.key:
                    continue
                try:
                    body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
                except self._s3.exceptions.NoSuchKey:
                    continue  # another delivery of the message has collected and deleted it
                skipped = after.lines if after is not None and key == after.key else 0
                lines = [line for line in body.read().splitlines() if line.strip()]
                for number, line in enumerate(lines[skipped:], start=skipped + 1):
                    yield ResultsPlace(key, number), line

    def delete_results(self, submission_id: str) -> None:
        """List the submission's objects and delete up to 1,000 per call; raises UndeletedError."""
        prefix = results_prefix(submission_id)
        # Delete `_SUCCESS` last. If the function dies before, the remaining results still count as
        # complete, and the next attempt finds them.
        _delete_all(self._s3, self._bucket, prefix, but=f"{prefix}_SUCCESS")
        self._s3.delete_object(Bucket=self._bucket, Key=f"{prefix}_SUCCESS")


def _pages(s3: "S3Client", bucket: str, prefix: str) -> Iterator["ListObjectsV2OutputTypeDef"]:
    yield from s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)


def _delete_all(s3: "S3Client", bucket: str, prefix: str, but: str = "") -> None:
    """Delete every object under a prefix except the key `but`; raises UndeletedError."""
    for page in _pages(s3, bucket, prefix):
        found = [item["Key"] for item in page.get("Contents", []) if item["Key"] != but]
        if not found:
            continue
        answer = s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in found], "Quiet": True}
        )
        if errors := answer.get("Errors"):
            first = errors[0]
            raise UndeletedError(f"{first['Key']}: {first['Code']}, and {len(errors) - 1} more")
