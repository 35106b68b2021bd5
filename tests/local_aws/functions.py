"""Lambda functions as zip files, for tests that need a function."""

import io
import json
import textwrap
import zipfile
from collections.abc import Sequence
from typing import Any

from tests.local_aws.conftest import ACCOUNT, REGION, LocalAws, until
from tests.local_aws.roles import Right, function_role

RUNTIME = "python3.13"


def archive(files: dict[str, str]) -> bytes:
    """Return a zip file of these files, given as contents by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        for name, content in files.items():
            package.writestr(name, textwrap.dedent(content))
    return packed.getvalue()


def create(
    aws: LocalAws, name: str, code: str, rights: Sequence[Right] = (), **settings: Any
) -> str:
    """Create a function whose `app.handler` is in `code`; return its ARN once it is active.

    Its role has these permissions and may write logs.
    """
    client = aws.client("lambda")
    options = {"Timeout": 10} | settings
    arn: str = client.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=function_role(aws, name, rights),
        Handler="app.handler",
        Code={"ZipFile": archive({"app.py": code})},
        **options,
    )["FunctionArn"]
    until(
        lambda: client.get_function(FunctionName=name)["Configuration"]["State"] == "Active",
        f"function {name} to become active",
    )
    return arn


def invoke(aws: LocalAws, name: str, event: object = None) -> tuple[Any, str | None]:
    """Invoke a function; return its answer and its FunctionError, if any."""
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def behind_api(aws: LocalAws, name: str, path: str = "") -> str:
    """Create an API whose GET of a path calls a function; return the path's URL.

    The function's policy does not allow the API to call it yet; see `let_api_call`.
    """
    api = aws.client("apigateway")
    api_id = api.create_rest_api(name=name)["id"]
    resource = api.get_resources(restApiId=api_id)["items"][0]["id"]
    if path:
        made = api.create_resource(restApiId=api_id, parentId=resource, pathPart=path)
        resource = made["id"]
    place = {"restApiId": api_id, "resourceId": resource, "httpMethod": "GET"}
    api.put_method(**place, authorizationType="NONE")
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    api.put_integration(
        **place,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations",
    )
    api.create_deployment(restApiId=api_id, stageName="v1")
    return f"{aws.endpoint}/_aws/execute-api/{api_id}/v1/{path}"


def let_api_call(aws: LocalAws, name: str, address: str) -> None:
    """Allow the API of a URL to call a function."""
    api_id = address.partition("/execute-api/")[2].partition("/")[0]
    aws.client("lambda").add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/*",
    )


def log(aws: LocalAws, name: str) -> str:
    """Return everything that a function logged."""
    logs = aws.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        return "\n".join(event["message"] for page in pages for event in page["events"])
    except logs.exceptions.ResourceNotFoundException:
        return ""
