"""Updates that LocalStack's CloudFormation lacks: it can make an alias, and not move it.

A deployment moves each function's alias to the version that it has just published. CloudFormation
on AWS updates an alias and the settings of asynchronous calls in place.
"""

from typing import Any

# Properties of AWS::Lambda::Alias and AWS::Lambda::EventInvokeConfig, as the API names them.
ALIAS = ("FunctionName", "FunctionVersion", "Name", "Description", "RoutingConfig")
ASYNCHRONOUS_CALLS = (
    "FunctionName",
    "Qualifier",
    "MaximumEventAgeInSeconds",
    "MaximumRetryAttempts",
    "DestinationConfig",
)


def chosen(properties: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return those of the properties that a call takes and the template gives."""
    return {name: properties[name] for name in names if properties.get(name) is not None}


def install() -> None:
    """Give LocalStack's resource providers the updates that they lack."""
    from localstack.services.cloudformation.resource_provider import (  # noqa: PLC0415
        OperationStatus,
        ProgressEvent,
    )
    from localstack.services.lambda_.resource_providers.aws_lambda_eventinvokeconfig import (  # noqa: PLC0415
        LambdaEventInvokeConfigProvider,
    )
    from localstack.services.lambda_.resource_providers.lambda_alias import (  # noqa: PLC0415
        LambdaAliasProvider,
    )
    from localstack.utils.patch import patch  # noqa: PLC0415

    # Both name their function by Ref, and LocalStack takes a change of what is referred to for a
    # change of the name: it would make the alias a second time and then delete it.
    for provider in (LambdaAliasProvider, LambdaEventInvokeConfigProvider):
        provider.SCHEMA = {**provider.SCHEMA, "createOnlyProperties": []}

    def done(request: Any) -> Any:
        # Ref of either resource is its Id, which an update does not change.
        state = {"Id": request.previous_state.get("Id"), **request.desired_state}
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=state)

    @patch(LambdaAliasProvider.update)  # type: ignore[untyped-decorator]
    def move_alias(_original: Any, _provider: Any, request: Any) -> Any:
        functions = request.aws_client_factory.lambda_
        functions.update_alias(**chosen(request.desired_state, ALIAS))
        return done(request)

    @patch(LambdaEventInvokeConfigProvider.update)  # type: ignore[untyped-decorator]
    def change_asynchronous_calls(_original: Any, _provider: Any, request: Any) -> Any:
        functions = request.aws_client_factory.lambda_
        functions.put_function_event_invoke_config(
            **chosen(request.desired_state, ASYNCHRONOUS_CALLS)
        )
        return done(request)
