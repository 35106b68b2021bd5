"""XXH64 of numbers, as Spark's function `xxhash64` computes it, on whole numpy arrays.

Source: the specification of XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/
xxhash_spec.md), for inputs of four and of eight bytes. Spark hashes the first column with the seed
42 and each further column with the hash so far as the seed.
"""

from typing import Any

import numpy as np

from learning.rating_blocks import Longs

SEED = 42
_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime)
    for prime in (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )
)


def xxhash64(*columns: Any) -> Longs:
    """Return the hash of each row.

    Args:
        columns: arrays of N whole numbers. Those of 64 bits are hashed as Spark's LONG, those of 32
            bits as its INT. A column of one number stands for N equal ones.

    Returns:
        N hashes, signed as in Spark.
    """
    with np.errstate(over="ignore"):  # the arithmetic is modulo 2**64
        found = np.full(1, SEED, dtype=np.uint64)
        for column in columns:
            numbers = np.atleast_1d(np.asarray(column))
            is_long = numbers.dtype.itemsize == 8  # noqa: PLR2004  bytes
            found = _hash_longs(numbers, found) if is_long else _hash_ints(numbers, found)
    return found.view(np.int64)


def _hash_longs(numbers: Any, seed: Any) -> Any:
    """Hash eight bytes each."""
    mixed = numbers.astype(np.int64).view(np.uint64)
    mixed = _rotate(mixed * _P2, 31) * _P1
    return _finish(_rotate((seed + _P5 + np.uint64(8)) ^ mixed, 27) * _P1 + _P4)


def _hash_ints(numbers: Any, seed: Any) -> Any:
    """Hash four bytes each."""
    mixed = numbers.astype(np.int32).view(np.uint32).astype(np.uint64) * _P1
    return _finish(_rotate((seed + _P5 + np.uint64(4)) ^ mixed, 23) * _P2 + _P3)


def _rotate(numbers: Any, bits: int) -> Any:
    """Rotate the bits of each number to the left."""
    return (numbers << np.uint64(bits)) | (numbers >> np.uint64(64 - bits))


def _finish(numbers: Any) -> Any:
    """Return the hash after its last step, the avalanche."""
    mixed = (numbers ^ (numbers >> np.uint64(33))) * _P2
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _P3
    return mixed ^ (mixed >> np.uint64(32))
