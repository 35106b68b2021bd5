"""Run a function for many items concurrently in threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

# Fewer than the 10 connections in a boto3 client's pool.
WRITERS = 8


def for_each[T, R](
    work: Callable[[T], R], items: Sequence[T], writers: int = WRITERS
) -> list[R | Exception]:
    """Call `work` for each item, at most `writers` calls at a time.

    Returns:
        For each item, in order, the returned value or the raised exception. An exception does not
        stop the calls for other items.
    """

    def attempt(item: T) -> R | Exception:
        try:
            return work(item)
        except Exception as error:
            return error

    if writers == 1 or len(items) <= 1:
        return [attempt(item) for item in items]
    # Threads see the context variables of the invocation, such as the logger's keys. Each call
    # needs its own copy, because only one thread at a time can enter a context.
    contexts = [copy_context() for _ in items]
    with ThreadPoolExecutor(min(writers, len(items))) as threads:
        return list(threads.map(lambda context, item: context.run(attempt, item), contexts, items))
