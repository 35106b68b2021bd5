"""Errors about names that AWS has not released yet."""

import sys
from pathlib import Path

import pytest

from operations.commands import run_command
from operations.errors import OperationError
from operations.waiting_times import waiting_time

SAID = {
    "AWS.SimpleQueueService.QueueDeletedRecently: You must wait 60 seconds after deleting a queue"
    " before you can create another with the same name.": "60 seconds",
    "operation error S3: CreateBucket, api error OperationAborted: A conflicting conditional"
    " operation is currently in progress against this resource. Please try again.": "bucket",
    "An error occurred (OperationAborted) when calling the CreateBucket operation": "bucket",
    "api error BucketAlreadyExists: The requested bucket name is not available.": "another ENV",
    "BucketAlreadyOwnedByYou: Your previous request to create the named bucket": "S3 console",
    "ResourceInUseException: Table is being deleted: marquee-prod-movies": "DynamoDB",
    "AlreadyExistsException: An alias with the name arn:aws:kms:…:alias/m already exists": "KMS",
    "InvalidRequestException: Security configuration with name 'm' already exists.": "EMR",
    "DistributionNotDisabled: The distribution you are trying to delete": "CloudFront",
    "OriginAccessControlAlreadyExists: An origin access control with the same name": "CloudFront",
    "CNAMEAlreadyExists: One or more of the CNAMEs you provided": "site_domain",
    "The role defined for the function cannot be assumed by Lambda.": "IAM",
    "OperationAbortedException: A conflicting operation is currently in progress": "try again",
    "DependencyViolation: resource sg-1 has a dependent object": "network interfaces",
}


@pytest.mark.parametrize(("said", "advice"), SAID.items())
def test_the_error_of_a_name_that_is_not_free_yet_is_explained(said: str, advice: str) -> None:
    sentence = waiting_time(["Error: creating", said])

    assert advice in sentence
    assert sentence.startswith(" ")
    assert sentence.endswith(".")
    assert len(sentence.strip().removesuffix(".").split(". ")) == 1


def test_other_errors_get_no_advice() -> None:
    assert waiting_time(["AccessDenied: not authorized to perform: sqs:CreateQueue"]) == ""


def test_a_program_that_fails_for_a_waiting_time_ends_with_the_advice(tmp_path: Path) -> None:
    words = "print('Error: QueueDeletedRecently'); raise SystemExit(1)"

    with pytest.raises(OperationError, match=r"terraform apply failed: .* 60 seconds: wait"):
        run_command([sys.executable, "-c", words], log=tmp_path / "log", what="terraform apply")
