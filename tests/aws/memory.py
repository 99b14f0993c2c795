"""What AWS remembers, in moto and in the modules here, and snapshots of it: states in S3 are among it."""

from __future__ import annotations

import io
import pickle  # a snapshot is read by the tests that wrote it
from typing import Any, TypeVar, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from moto.backends import get_backend
from moto.core.base_backend import BackendDict

Kept = TypeVar("Kept")
_kept: dict[tuple[str, str, str], Any] = {}


def of(kind: type[Kept], account: str, region: str) -> Kept:
    """Returns what an account keeps of a kind, in a region or (`""`) in all of AWS."""
    return cast("Kept", _kept.setdefault((kind.__qualname__, account, region), kind()))


def snapshot() -> bytes:
    """Returns everything that AWS remembers now."""
    moto = {backends.service_name: (_plain(backends), _beside(backends)) for backends in _in_use()}
    written = io.BytesIO()
    _Pickler(written).dump((moto, _kept))
    return written.getvalue()


def restore(snapshot: bytes) -> None:
    """Makes AWS remember what it remembered when the snapshot was taken."""
    reset()  # first, since moto's S3 closes every object that there is
    moto, kept = pickle.loads(snapshot)  # noqa: S301  # see above
    for service, (accounts, beside) in moto.items():
        backends = get_backend(service)
        for account, regions in accounts.items():
            dict.update(backends[account], regions)
        for name, value in beside.items():
            vars(backends)[name].update(value)
    _kept.update(kept)


def reset() -> None:
    """Forgets everything."""
    for backends in _in_use():
        for value in _beside(backends).values():
            value.clear()
    BackendDict.reset()
    _kept.clear()


def _in_use() -> list[Any]:
    return list(vars(BackendDict)["_instances"])


def _plain(backends: Any) -> dict[str, dict[str, Any]]:
    return {account: dict(dict.items(regions)) for account, regions in dict.items(backends)}


def _beside(backends: Any) -> dict[str, Any]:
    """Returns what moto keeps beside the backends of a service: whose a bucket is, and of whom a member."""
    return {name: value for name, value in vars(backends).items() if isinstance(value, dict)}


class _Pickler(pickle.Pickler):
    """Also writes the private keys in which moto's KMS keys hold on to their material."""

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, RSAPrivateKey):
            return NotImplemented
        form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return _private_key, (value.private_bytes(*form),)


def _private_key(written: bytes) -> Any:
    return serialization.load_der_private_key(written, None)
