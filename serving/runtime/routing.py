"""Which version answers a request: a share of the keys, the same keys at every call.

A key stands at a fixed place between 0 and 1, by its hash with the rollout's salt. Every process finds the same place
without asking another; the challenger takes the keys whose place lies below its share. So a share that grows only ever
adds keys, and another rollout, with another salt, begins with other ones.
"""

from __future__ import annotations

from hashlib import blake2b

_PLACES = 2.0**64


def place_of(key: str, salt: str) -> float:
    """Where `key` stands, at least 0 and below 1."""
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, key=salt.encode()[:64]).digest()
    # 53 bits are what a float holds: more would round the last places up to 1.
    return (int.from_bytes(digest, "big") >> 11 << 11) / _PLACES


def takes_challenger(key: str, salt: str, share: float) -> bool:
    """Whether the challenger answers what is asked under `key`, when it has `share` (0 to 1) of the calls."""
    return place_of(key, salt) < share
