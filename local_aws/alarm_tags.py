"""Keeps the tags that a CloudWatch alarm is created with.

The emulator drops them, so every Terraform plan would add them again.
"""

from typing import Any

from local_aws import emulator


def arn(account: str, region: str, name: str) -> str:
    """Return the ARN of an alarm."""
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"


def keep_tags(_chain: Any, context: Any, response: Any) -> None:
    """Tag the alarm that PutMetricAlarm or PutCompositeAlarm just created (response handler)."""
    made = context.operation is not None and context.operation.name in (
        "PutMetricAlarm",
        "PutCompositeAlarm",
    )
    if not made or response.status_code >= 400:  # noqa: PLR2004  an HTTP error
        return
    request = context.service_request or {}
    if tags := request.get("Tags"):
        client = (
            emulator.part("aws.connect")
            .connect_to(aws_access_key_id=context.account_id, region_name=context.region)
            .cloudwatch
        )
        name = arn(context.account_id, context.region, request["AlarmName"])
        client.tag_resource(ResourceARN=name, Tags=tags)


def install() -> None:
    """Add the handler to the emulator's handler chain."""
    emulator.part("aws.handlers").run_custom_response_handlers.append(keep_tags)
