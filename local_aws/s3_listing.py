"""Makes the cost of listing objects depend on the prefix, not on what the bucket holds.

For each list of keys, the emulators sort and encode all keys of the bucket. With 10,000 visitors
this takes a tenth of a second, during which nothing else runs, and serving a batch of visitors
takes several lists. Here the keys of a bucket without versions are kept sorted, and the emulator's
own code gets only the objects whose keys begin with the prefix.

LocalEmu also goes through all objects once a minute, to expire them at midnight.
"""

import contextlib
import threading
from bisect import bisect_left, insort
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from local_aws import emulator

EXPIRY_SECONDS = 3600  # between two searches for objects that expire

# The prefix that is being listed; None outside a list of keys.
PREFIX: ContextVar[str | None] = ContextVar("prefix", default=None)
LOCK = threading.RLock()


def install() -> None:
    """Keep the keys of each bucket sorted, and list only those with the prefix."""
    patch = emulator.part("utils.patch").patch
    store = emulator.part("services.s3.models").KeyStore
    provider = emulator.part("services.s3.provider").S3Provider

    @patch(provider.list_objects_v2)  # type: ignore[untyped-decorator]
    def list_objects_v2(original: Any, s3: Any, context: Any, bucket: str, **how: Any) -> Any:
        with listing(how.get("prefix")):
            return original(s3, context, bucket, **how)

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
        prefix = PREFIX.get()
        if not prefix:
            return list(original(objects, *unused, **named))
        with LOCK:
            return [objects.get(key) for key in beginning_with(prefix, sorted_keys(objects))]

    with contextlib.suppress(ModuleNotFoundError):  # LocalStack expires nothing
        emulator.part("services.s3.lifecycle")._LIFECYCLE_SCAN_INTERVAL = EXPIRY_SECONDS


@contextlib.contextmanager
def listing(prefix: str | None) -> Iterator[None]:
    """Restrict the objects that a bucket returns to those whose keys begin with the prefix."""
    token = PREFIX.set(prefix)
    try:
        yield
    finally:
        PREFIX.reset(token)


def sorted_keys(objects: Any) -> list[str]:
    """Return the sorted keys of a bucket's objects, which the caller keeps up to date."""
    try:
        return objects.marquee_keys  # type: ignore[no-any-return]
    except AttributeError:
        objects.marquee_keys = sorted(objects._store)
        return objects.marquee_keys  # type: ignore[no-any-return]


def beginning_with(prefix: str, keys: list[str]) -> Iterator[str]:
    """Yield the keys that begin with the prefix, from sorted keys."""
    for place in range(bisect_left(keys, prefix), len(keys)):
        if not keys[place].startswith(prefix):
            return
        yield keys[place]
