"""Expected failures, reported to the operator in one sentence: exit status 1, no traceback."""

import functools
import sys
from collections.abc import Callable


class OperationError(Exception):
    """One clear sentence that names the thing, the value and how to fix it.

    `status` is the exit status of the command that it ends.
    """

    status = 1


class RatingsRefused(OperationError):  # noqa: N818 (a decision about the ratings; nothing failed)
    """Ratings are not made active because of what they are. Trying them again changes nothing."""


def exit_with_one_sentence[**P](command: Callable[P, None]) -> Callable[P, int]:
    """Make a function print an OperationError to stderr and exit with the error's status."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            command(*args, **kwargs)
        except OperationError as error:
            print(error, file=sys.stderr)
            return error.status
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
            return 130
        return 0

    return wrapped
