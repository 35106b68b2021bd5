"""Texts sent with SNS."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

from marquee.requests.ports import (
    OptedOutError,
    TextNotSentError,
    TextRejectedError,
    TextUnknownError,
)

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_THROTTLED = frozenset(
    ["Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded"]
)
_REFUSED = frozenset(["InvalidParameter", "InvalidParameterValue", "InvalidParameterException"])
_SERVER_ERROR = 500


class SnsSms:
    """Implements `requests.ports.Sms`.

    The client must not retry, because a publish that timed out may have been sent.
    """

    def __init__(self, sns: "SNSClient") -> None:
        self._sns = sns
        sns.meta.events.register("after-call.sns", _without_message)

    def publish(self, phone: str, message: str) -> None:
        """Check with SNS that the phone has not opted out, then publish a transactional text.

        No exception contains the phone number. If the opt-out check fails, the text is not sent.
        """
        self._check_not_opted_out(phone)
        try:
            self._sns.publish(
                PhoneNumber=phone,
                Message=message,
                MessageAttributes={
                    "AWS.SNS.SMS.SMSType": {
                        "DataType": "String",
                        "StringValue": "Transactional",
                    }
                },
            )
        except ClientError as error:
            raise _from(error) from None  # the SNS error may contain the phone number
        except (EndpointConnectionError, ConnectTimeoutError):
            raise TextNotSentError("SNS could not be reached") from None
        except BotoCoreError as error:
            raise TextUnknownError(type(error).__name__) from None

    def _check_not_opted_out(self, phone: str) -> None:
        try:
            answer = self._sns.check_if_phone_number_is_opted_out(phoneNumber=phone)
        except (ClientError, BotoCoreError) as error:
            raise TextNotSentError(f"the opt-out check failed: {_code(error)}") from None
        if answer["isOptedOut"]:
            raise OptedOutError


def _without_message(parsed: dict[str, Any], **_: Any) -> None:
    """Replace SNS's error message before it becomes an exception.

    The message quotes the phone number ("Invalid parameter: PhoneNumber Reason: +1…"), and the
    X-Ray SDK writes every exception of a client to the trace.
    """
    if "Error" in parsed:
        parsed["Error"]["Message"] = "removed: it may contain the phone number"


def _from(error: ClientError) -> Exception:
    """Return the error of `requests.ports` that an error of SNS stands for."""
    code = _code(error)
    if code in _THROTTLED:
        return TextNotSentError(f"SNS throttled the call: {code}")
    if code == "OptedOut":
        return OptedOutError()
    if code in _REFUSED:
        return TextRejectedError("the phone number cannot be texted")
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR:
        return TextUnknownError(code)
    return TextNotSentError(f"SNS rejected the text: {code}")


def _code(error: Exception) -> str:
    return (
        error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    )
