"""Makes a list of objects cost what it returns, not what the bucket holds.

For each list of keys, the emulators sort and encode all keys of the bucket. With 10,000 visitors
this takes a tenth of a second, during which nothing else runs, and serving a batch of visitors
takes several lists. Here the keys of a bucket without versions are kept sorted, and the emulator's
own code gets only the objects that the request can return. It also compares encoded keys where a
list goes on, although keys are ordered by their bytes before encoding, and so leaves some out.

LocalEmu also goes through all objects once a minute, to expire them at midnight.
"""

import base64
import contextlib
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from local_aws import emulator

EXPIRY_SECONDS = 3600  # between two searches for objects that expire


@dataclass(frozen=True)
class KeyRange:
    """The keys that a request lists.

    Args:
        prefix: how they begin.
        first: the first key, or "".
        after: all are greater than this key.
    """

    prefix: str = ""
    first: str = ""
    after: str = ""

    def of(self, keys: list[str]) -> Iterator[str]:
        """Yield the keys of this range, from sorted keys."""
        begin = bisect_left(keys, max(self.prefix, self.first))
        if self.after:
            begin = max(begin, bisect_right(keys, self.after))
        for place in range(begin, len(keys)):
            if not keys[place].startswith(self.prefix):
                return
            yield keys[place]


# What is being listed; None outside a list of keys.
LISTED: ContextVar[KeyRange | None] = ContextVar("listed", default=None)
LOCK = threading.RLock()


def install() -> None:
    """Keep the keys of each bucket sorted, and let a list see only those that it can return."""
    patch = emulator.part("utils.patch").patch
    store = emulator.part("services.s3.models").KeyStore
    provider = emulator.part("services.s3.provider").S3Provider

    @patch(provider.list_objects_v2)  # type: ignore[untyped-decorator]
    def list_objects_v2(
        original: Any,
        s3: Any,
        context: Any,
        bucket: str,
        *,
        continuation_token: str | None = None,
        start_after: str | None = None,
        **how: Any,
    ) -> Any:
        prefix = how.get("prefix") or ""
        if continuation_token is not None:
            first = first_key(continuation_token)
            if first is None:  # the original refuses the token
                return original(s3, context, bucket, continuation_token=continuation_token, **how)
            with only_keys(KeyRange(prefix, first=first)):
                answer = original(s3, context, bucket, **how)
            return answer | {"ContinuationToken": continuation_token}
        with only_keys(KeyRange(prefix, after=start_after or "")):
            answer = original(s3, context, bucket, **how)
        return answer | ({"StartAfter": start_after} if start_after else {})

    @patch(store.set)  # type: ignore[untyped-decorator]
    def set_object(original: Any, objects: Any, key: str, stored: Any) -> None:
        with LOCK:
            if key not in objects:
                insort(sorted_keys(objects), key)
            original(objects, key, stored)

    @patch(store.pop)  # type: ignore[untyped-decorator]
    def pop(original: Any, objects: Any, key: str, default: Any = None) -> Any:
        with LOCK:
            if key in objects:
                keys = sorted_keys(objects)
                del keys[bisect_left(keys, key)]
            return original(objects, key, default)

    @patch(store.values)  # type: ignore[untyped-decorator]
    def values(original: Any, objects: Any, *unused: Any, **named: Any) -> list[Any]:
        listed = LISTED.get()
        if listed is None:
            return list(original(objects, *unused, **named))
        with LOCK:
            return [objects.get(key) for key in listed.of(sorted_keys(objects))]

    with contextlib.suppress(ModuleNotFoundError):  # LocalStack expires nothing
        emulator.part("services.s3.lifecycle")._LIFECYCLE_SCAN_INTERVAL = EXPIRY_SECONDS


@contextlib.contextmanager
def only_keys(listed: KeyRange) -> Iterator[None]:
    """Restrict the objects that a bucket returns to those in the range."""
    token = LISTED.set(listed)
    try:
        yield
    finally:
        LISTED.reset(token)


def first_key(continuation_token: str) -> str | None:
    """Return the key with which a list goes on; None if the token is not one of the emulator's.

    The emulators' own function cannot decode keys that are not ASCII.
    """
    try:
        return base64.b64decode(continuation_token, altchars=b"._").decode() or None
    except ValueError:
        return None


def sorted_keys(objects: Any) -> list[str]:
    """Return the sorted keys of a bucket's objects, which the caller keeps up to date."""
    try:
        return objects.marquee_keys  # type: ignore[no-any-return]
    except AttributeError:
        objects.marquee_keys = sorted(objects._store)
        return objects.marquee_keys  # type: ignore[no-any-return]
