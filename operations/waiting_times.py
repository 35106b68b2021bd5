"""Explain in one sentence what to wait for when AWS does not yet release a name for reuse.

A deployment has fixed names, so a deployment right after `make destroy` may reuse names that AWS
has not released yet. docs/deploy.md lists the same waiting times.
"""

import re
from collections.abc import Iterable

# A pattern in the output of AWS or Terraform, and the advice. The first match is used.
_WAITS = (
    (
        # SQS API reference, CreateQueue: QueueDeletedRecently
        r"QueueDeletedRecently|wait 60 seconds after deleting a queue",
        "SQS reuses a deleted queue's name only after 60 seconds: wait, then try again.",
    ),
    (
        # S3 User Guide, "Deleting a general purpose bucket"
        r"OperationAborted: A conflicting conditional operation|\(OperationAborted\)",
        "S3 is still deleting a bucket of this name and may take an hour: wait, then try again.",
    ),
    (
        r"BucketAlreadyExists\b",
        "Another AWS account has a bucket of this name: choose another ENV.",
    ),
    (
        r"BucketAlreadyOwnedByYou",
        "This account still has a bucket of this name, perhaps in another region, that an earlier"
        " deployment left: empty and delete it in the S3 console, then try again.",
    ),
    (
        # DynamoDB API reference, DeleteTable: the state DELETING
        r"Table is being deleted|ResourceInUseException.*(?i:table)",
        "DynamoDB is still deleting or changing a table of this name: wait a minute, then try"
        " again.",
    ),
    (
        # KMS API reference, DeleteAlias: eventual consistency
        r"KMSInvalidStateException|AlreadyExistsException: An alias with the name",
        "KMS still has the deleted key's alias: wait a minute, then try again.",
    ),
    (
        r"(?i:security configuration).*already exists",
        "EMR still has a security configuration of this name: wait a minute, then try again; if"
        " it stays, delete it with 'aws emr delete-security-configuration'.",
    ),
    (
        r"DistributionNotDisabled|(?:OriginAccessControl|CachePolicy|ResponseHeadersPolicy)InUse",
        "CloudFront takes up to 15 minutes to disable a distribution before it and its policies"
        " can be deleted: wait, then try again.",
    ),
    (
        r"(?:OriginAccessControl|CachePolicy|ResponseHeadersPolicy)AlreadyExists",
        "CloudFront still has a policy of this name from an earlier deployment: wait 15 minutes,"
        " then try again.",
    ),
    (
        r"CNAMEAlreadyExists",
        "Another CloudFront distribution answers for site_domain: remove the name there, wait for"
        " it to be deployed, then try again.",
    ),
    (
        # Lambda Developer Guide, "Troubleshoot deployment": a new role takes seconds to propagate
        r"role defined for the function cannot be assumed",
        "IAM takes some seconds to propagate a new role: try again.",
    ),
    (
        r"OperationAbortedException|conflicting operation is currently in progress",
        "AWS is still deleting or changing something of this name: wait a minute, then try again.",
    ),
    (
        # EC2 deletes EMR's network interfaces and security groups after the cluster has ended
        r"DependencyViolation",
        "The cluster's network interfaces still exist: wait five minutes, then try again.",
    ),
)


def waiting_time(lines: Iterable[str]) -> str:
    """Return what to wait for if AWS reports that a name is not free yet, else an empty string.

    Args:
        lines: the output of a program, or an error's text.

    Returns:
        A sentence that starts with a space, to append to the error, or an empty string.
    """
    text = "\n".join(lines)
    return next((f" {advice}" for pattern, advice in _WAITS if re.search(pattern, text)), "")
