"""Answer DynamoDB requests, one JSON line each, by unchanged moto or with our faster tables.

The emulator's own Python runs this program, because the emulators have another version of moto
than the development environment:

    .venvs/localemu/bin/python tests/local_aws/moto_tables.py [fast]
"""

import json
import sys
from pathlib import Path
from typing import Any

import botocore.session
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import DynamoType

KEYS: dict[str, Any] = {
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
    "region_name": "us-east-1",
}


def answer(client: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return the result of an operation, or the code and the message of its error."""
    try:
        result: dict[str, Any] = getattr(client, operation)(**request)
    except client.exceptions.ClientError as error:
        reasons = error.response.get("CancellationReasons")
        return {"error": error.response["Error"], "reasons": reasons}
    except Exception as error:  # bugs of moto, which our tables must reproduce
        return {"fault of moto": repr(error)}
    result.pop("ResponseMetadata")
    return result


class Conversions:
    """Counter of the conversions of values for comparison, which are the cost of sorting."""

    def __init__(self) -> None:
        self.count = 0
        convert = vars(DynamoType)["cast_value"].fget

        def counted(value: Any) -> Any:
            self.count += 1
            return convert(value)

        setattr(DynamoType, "cast_value", property(counted))  # noqa: B010  typed as read only

    def reset(self) -> int:
        """Reset the count to 0; return the former count."""
        count, self.count = self.count, 0
        return count


def main() -> None:
    """Answer every line of standard input; add the number of conversions to each answer."""
    if "fast" in sys.argv:
        sys.path.insert(0, str(Path(__file__).parents[2]))
        from local_aws.dynamodb import tables  # noqa: PLC0415

        tables.install()
    conversions = Conversions()
    with mock_aws():
        client = botocore.session.get_session().create_client("dynamodb", **KEYS)
        for line in sys.stdin:
            answered = answer(client, **json.loads(line))
            print(json.dumps([answered, conversions.reset()], default=str), flush=True)


if __name__ == "__main__":
    main()
