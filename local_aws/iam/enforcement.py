"""Decides every call by IAM policies, as AWS does, in a handler of LocalEmu's chain.

Which policies decide depends on the principal that makes the call:

- For a role session or a user, the identity policies decide, whether the call comes from outside or
  from a service that acts with the role (an event source mapping, a dead-letter delivery).
- For a service without a role (an S3 notification, EventBridge, API Gateway), the resource policy
  of the called queue, topic or function decides.
- The operator's access key is the account's root user, which may do everything.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from local_aws import emulator
from local_aws.iam import evaluator, permissions
from local_aws.iam.permissions import ApiCall, Permission

LOG = logging.getLogger(__name__)
IAM = evaluator.IAM
# Calls that need no permission.
ALWAYS_ALLOWED = ("sts:GetCallerIdentity", "sts:GetSessionToken")
# Operations for which the policy of the called resource may permit a service.
BY_RESOURCE_POLICY = {
    ("sqs", "SendMessage"),
    ("sqs", "SendMessageBatch"),
    ("sns", "Publish"),
    ("sns", "PublishBatch"),
    ("lambda", "Invoke"),
}
# Seconds that the session of a service with a role lasts: the maximum of STS.
SERVICE_SESSION = 43_200
MAY_BE_MISSING = ("GetObject", "HeadObject")


# ---------------------------------------------------------------------------------------------
# Errors of refused calls
# ---------------------------------------------------------------------------------------------


def refusal_code(service: str, protocol: str) -> tuple[str, int]:
    """Return AWS's error code and HTTP status of a refused call.

    Args:
        service: botocore's name of the service.
        protocol: the service's protocol, e.g. `json`, `rest-xml`, `query`.
    """
    if service == "sns":
        return "AuthorizationError", HTTPStatus.FORBIDDEN
    if service == "ec2":
        return "UnauthorizedOperation", HTTPStatus.FORBIDDEN
    if protocol == "json" and service != "sqs":
        return "AccessDeniedException", HTTPStatus.BAD_REQUEST
    if protocol == "rest-json":
        return "AccessDeniedException", HTTPStatus.FORBIDDEN
    return "AccessDenied", HTTPStatus.FORBIDDEN


def access_denied(context: Any, principal: str, permission: Permission, reason: str) -> Exception:
    """Return AWS's error for a call that `principal` may not make, and log the refusal."""
    code, status = refusal_code(context.service.service_name, context.protocol)
    message = (
        f"User: {principal} is not authorized to perform: {permission.action} on resource: "
        f"{permission.resource} because {reason}"
    )
    LOG.info("IAM denies %s: %s", context.operation.name, message)
    error: Exception = emulator.part("aws.api").CommonServiceException(
        code, message, status_code=int(status)
    )
    return error


# ---------------------------------------------------------------------------------------------
# Permissions that a call needs
# ---------------------------------------------------------------------------------------------


def call_of(context: Any) -> ApiCall:
    """Return the API call that a request makes: its service, operation, parameters and target.

    Args:
        context: the emulator's context of the request; its service and operation must be known.
    """
    return ApiCall(
        service=context.service.service_name,
        signing_name=context.service.signing_name,
        operation=context.operation.name,
        parameters=context.service_request or {},
        region=context.region,
        account=context.account_id,
        method=context.request.method,
        path=context.request.path,
    )


def role_arns_of_profile(account: str, profile: str) -> list[str]:
    """Return the ARNs of the roles in an instance profile, given its name or ARN."""
    from moto.iam.models import iam_backends  # noqa: PLC0415  only inside the emulator

    name = profile.rpartition("/")[2]
    for found in iam_backends[account]["global"].instance_profiles.values():
        if found.name == name:
            return [role.arn for role in found.roles]
    return []


def partition_key_of(call: ApiCall) -> str:
    """Return the partition key's name of the table that a call names, or "" without a table."""
    from moto.dynamodb.models import dynamodb_backends  # noqa: PLC0415  only inside the emulator

    name = str(call.parameters.get("TableName", "")).rpartition("/")[2]
    table = dynamodb_backends[call.account][call.region].tables.get(name)
    return str(table.hash_key_attr) if table else ""


def permissions_of(call: ApiCall) -> list[Permission]:
    """Return every permission that a call needs."""
    needed = permissions.of(call)
    if not needed:
        actions = emulator.part(f"{IAM}.service_action_map").map_action(
            call.service, call.operation
        )
        resource = emulator.part(f"{IAM}.arn_builder").build_resource_arn(
            service=call.service,
            operation=call.operation,
            request_params=dict(call.parameters),
            region=call.region,
            account_id=call.account,
        )
        own = f"{call.service}:"
        needed = [
            Permission(f"{call.prefix}:{action.removeprefix(own)}", resource)
            if action.startswith(own)
            else Permission(action, resource)
            for action in actions
        ]
    if call.service == "dynamodb":
        keys = permissions.leading_keys(call, partition_key_of(call))
        needed = [replace(each, conditions={**each.conditions, **keys}) for each in needed]
    passed = permissions.passed_roles(
        call, lambda profile: role_arns_of_profile(call.account, profile)
    )
    return [*needed, *passed]


# ---------------------------------------------------------------------------------------------
# Decisions
# ---------------------------------------------------------------------------------------------


class Judge:
    """Decides permissions with LocalEmu's evaluator."""

    def __init__(self) -> None:
        self.enforcer = emulator.part(f"{IAM}.enforcer")
        self.policies = emulator.part(f"{IAM}.evaluator").PolicyEvaluator()
        self.decision = emulator.part(f"{IAM}.evaluator").Decision

    def decide(self, context: Any, caller: Any, permission: Permission) -> str:
        """Return why the caller lacks the permission, or "" if the caller has it."""
        # LocalEmu reads the resource's ARN from here to evaluate conditions on tags.
        context._iam_resource_arn = permission.resource
        conditions = self.enforcer._build_conditions(context, caller) | permission.conditions
        decision = self.policies.evaluate(
            caller=caller,
            action=permission.action,
            resource=permission.resource,
            conditions=conditions,
            resource_policy=self.resource_policy(context, permission),
        )
        if decision == self.decision.ALLOW:
            return ""
        if decision == self.decision.EXPLICIT_DENY:
            return "a policy explicitly denies it"
        return "no policy allows it"

    def resource_policy(self, context: Any, permission: Permission) -> Any:
        """Return the policy of the permission's resource, or None if it has none."""
        service = permission.action.partition(":")[0]
        if service == "lambda":
            return function_policy(permission.resource)
        return self.enforcer._get_resource_policy(
            service, permission.resource, context.account_id, context.region
        )

    def decide_service(
        self, context: Any, principal: str, source: str, permission: Permission
    ) -> str:
        """Return why a service may not call a resource, or "" if the resource's policy permits it.

        Args:
            context: the request.
            principal: the service's name in policies, e.g. `s3.amazonaws.com`.
            source: ARN of the resource that causes the call, e.g. a bucket.
            permission: the permission that the call needs.
        """
        policy = self.resource_policy(context, permission) or {}
        account = source.split(":")[4] if source.count(":") > 4 else ""  # noqa: PLR2004  an ARN
        conditions = {
            "aws:SourceArn": source,
            # A bucket's ARN contains no account: assume the account that is called.
            "aws:SourceAccount": account or context.account_id,
            # On AWS, services call each other over TLS.
            "aws:SecureTransport": "true",
        }
        effects = {
            statement["Effect"]
            for statement in policy.get("Statement", [])
            if self.statement_applies(statement, principal, permission, conditions)
        }
        if "Deny" in effects:
            return "the resource's policy explicitly denies it"
        return "" if "Allow" in effects else "the resource's policy does not allow it"

    @staticmethod
    def statement_applies(
        statement: Mapping[str, Any],
        principal: str,
        permission: Permission,
        conditions: Mapping[str, str],
    ) -> bool:
        """Return whether a statement of a resource policy applies to this call of a service."""
        matchers = {
            name: emulator.part(f"{IAM}.{name}")
            for name in ("action_matcher", "resource_matcher", "condition_evaluator")
        }
        return (
            names_service(statement.get("Principal"), principal)
            and matchers["action_matcher"].matches_action(statement, permission.action)
            and matchers["resource_matcher"].matches_resource(
                statement, permission.resource, conditions
            )
            and matchers["condition_evaluator"].matches_conditions(statement, conditions)
        )


def names_service(principal: Any, service: str) -> bool:
    """Return whether a statement's Principal is `*` or names the service."""
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    named = principal.get("Service", [])
    return principal.get("AWS") == "*" or service in ([named] if isinstance(named, str) else named)


def function_policy(arn: str) -> dict[str, Any] | None:
    """Return the resource policy of a function, a version or an alias, or None if it has none.

    Args:
        arn: the ARN of the function, version or alias.
    """
    if ":function:" not in arn:
        return None
    stores = emulator.part("services.lambda_.invocation.models").lambda_stores
    _, _, _, region, account, _, name, *qualifier = arn.split(":")
    function = stores[account][region].functions.get(name)
    kept = function and function.permissions.get(qualifier[0] if qualifier else "$LATEST")
    return {"Statement": kept.policy.Statement} if kept else None


# ---------------------------------------------------------------------------------------------
# Handlers
# ---------------------------------------------------------------------------------------------


class Enforcement:
    """Handlers of the emulator's chain that pass permitted calls and refuse all others."""

    def __init__(self) -> None:
        self.judge = Judge()
        self.enforcer = emulator.part(f"{IAM}.enforcer")
        self.identity = emulator.part(f"{IAM}.identity")
        constants = emulator.part("constants")
        self.internal_keys = (
            constants.INTERNAL_AWS_ACCESS_KEY_ID,
            emulator.part("config").INTERNAL_RESOURCE_ACCOUNT,
        )

    def decide(self, context: Any) -> None:
        """Return if the call is permitted; otherwise raise AWS's error."""
        if not context.service or not context.operation:
            return
        call = call_of(context)
        if call.action in ALWAYS_ALLOWED:
            return
        key = self.enforcer._extract_access_key(context)
        internal = context.is_internal_call or key in self.internal_keys
        caller = self.caller(context, key)
        if internal and call.action == "sts:AssumeRole":
            # On AWS a service renews its session; here its session lasts long enough.
            context.service_request["DurationSeconds"] = SERVICE_SESSION
        if internal and (caller is None or caller.principal_type != "AssumedRole"):
            self.decide_service(context, call)
            return
        if caller is None:
            raise emulator.part("aws.api").CommonServiceException(
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
                status_code=int(HTTPStatus.FORBIDDEN),
            )
        if caller.principal_type != "Root":
            self.decide_principal(context, call, caller)

    def caller(self, context: Any, key: str) -> Any:
        """Return LocalEmu's identity of the principal that signed the call, or None if unknown."""
        caller = self.identity.resolve_caller(key, context.account_id, context.region)
        if caller is not None:
            # A role that a service may assume does not act as that service.
            caller.acting_services = []
        return caller

    def decide_principal(self, context: Any, call: ApiCall, caller: Any) -> None:
        """Decide a call of a role session or a user by its policies; raise AWS's error to refuse.

        For a GET or HEAD of an object, also decide whether the caller may list the bucket:
        `answer_as_s3` needs to know this if the object is missing.
        """
        if call.service == "s3" and call.operation == "DeleteObjects":
            self.keep_deletable(context, call, caller)
            return
        for permission in permissions_of(call):
            if reason := self.judge.decide(context, caller, permission):
                raise access_denied(context, caller.arn, permission, reason)
        if call.service == "s3" and call.operation in MAY_BE_MISSING:
            listing = Permission("s3:ListBucket", f"arn:aws:s3:::{call.parameters['Bucket']}")
            if reason := self.judge.decide(context, caller, listing):
                context.marquee_hide_missing = access_denied(context, caller.arn, listing, reason)

    def decide_service(self, context: Any, call: ApiCall) -> None:
        """Decide a call between services by the called resource's policy; raise AWS's error."""
        parameters = context.internal_request_params or {}
        service, source = parameters.get("service_principal"), parameters.get("source_arn")
        if not service or not source or (call.service, call.operation) not in BY_RESOURCE_POLICY:
            return
        principal = f"{service}.amazonaws.com"
        for permission in permissions_of(call):
            if reason := self.judge.decide_service(context, principal, source, permission):
                raise access_denied(context, principal, permission, reason)

    # -- refusals that are particular to S3 ------------------------------------------------------

    def keep_deletable(self, context: Any, call: ApiCall, caller: Any) -> None:
        """Remove the objects that the caller may not delete from a DeleteObjects request.

        S3 decides each object separately. It answers 200, with an error entry for each refused
        object, which `answer_as_s3` adds.
        """
        bucket = call.parameters["Bucket"]
        refused: list[Mapping[str, Any]] = []
        kept: list[Mapping[str, Any]] = []
        for item in permissions.deleted_keys(call.parameters):
            action = "s3:DeleteObjectVersion" if item.get("VersionId") else "s3:DeleteObject"
            permission = Permission(action, f"arn:aws:s3:::{bucket}/{item['Key']}")
            (refused if self.judge.decide(context, caller, permission) else kept).append(item)
        if refused:
            context.marquee_refused_deletions = refused
            context.service_request["Delete"] = {**call.parameters["Delete"], "Objects": kept}

    def answer_as_s3(self, context: Any, response: Any) -> None:
        """Adapt S3's answer to the caller's permissions.

        A caller who may not list the bucket receives 403 instead of 404 for a missing object. The
        answer to DeleteObjects lists the refused deletions.
        """
        hidden = getattr(context, "marquee_hide_missing", None)
        if hidden is not None and response.status_code == HTTPStatus.NOT_FOUND:
            serializer = self.serializer(context)
            response.update_from(
                serializer.serialize_error_to_response(
                    hidden, context.operation, context.request.headers, context.request_id
                )
            )
        refused: Iterable[Mapping[str, Any]] = getattr(context, "marquee_refused_deletions", ())
        if refused and response.status_code == HTTPStatus.OK:
            answer = dict(context.service_response or {})
            answer["Errors"] = [
                *answer.get("Errors", []),
                *(
                    {"Key": item["Key"], "Code": "AccessDenied", "Message": "Access Denied"}
                    for item in refused
                ),
            ]
            response.update_from(
                self.serializer(context).serialize_to_response(
                    answer, context.operation, context.request.headers, context.request_id
                )
            )

    @staticmethod
    def serializer(context: Any) -> Any:
        """Return the emulator's serializer for the request's service."""
        protocol = emulator.part("aws.protocol.serializer")
        return protocol.create_serializer(context.service, context.protocol)


def install() -> None:
    """Make `Enforcement` decide every call of the running LocalEmu, instead of its own handler."""
    evaluator.install()
    enforcement = Enforcement()
    patch = emulator.part("utils.patch").patch
    handler = emulator.part(f"{IAM}.enforcer").IAMEnforcementHandler

    @patch(handler.__call__)  # type: ignore[untyped-decorator]
    def decide(_original: Any, _handler: Any, _chain: Any, context: Any, _response: Any) -> None:
        enforcement.decide(context)

    validator = emulator.part("aws.handlers.auth").TemporaryCredentialValidator

    @patch(validator.__call__)  # type: ignore[untyped-decorator]
    def validate(original: Any, handler: Any, chain: Any, context: Any, response: Any) -> None:
        if not context.is_internal_call:  # on AWS, a service would have renewed its session
            original(handler, chain, context, response)

    def answer(_chain: Any, context: Any, response: Any) -> None:
        enforcement.answer_as_s3(context, response)

    emulator.part("aws.handlers").run_custom_response_handlers.append(answer)
