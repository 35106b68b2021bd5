"""The same call for many, several at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

# Within the 10 connections that a client of boto3 keeps.
WRITERS = 8


def for_each[T, R](
    work: Callable[[T], R], items: Sequence[T], writers: int = WRITERS
) -> list[R | Exception]:
    """Do the work for each item, at most so many at the same time.

    Returns:
        What each call gave or raised, in the items' order: an error holds up no other item.
    """

    def attempt(item: T) -> R | Exception:
        try:
            return work(item)
        except Exception as error:
            return error

    if writers == 1 or len(items) <= 1:
        return [attempt(item) for item in items]
    # What belongs to an invocation (a logger's keys) is the same in its threads. Each call needs a
    # copy of its own: a context can be entered by one thread at a time.
    contexts = [copy_context() for _ in items]
    with ThreadPoolExecutor(min(writers, len(items))) as threads:
        return list(threads.map(lambda context, item: context.run(attempt, item), contexts, items))
