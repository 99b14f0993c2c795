"""Where the real AWS provider comes from, and what a command needs to run with it.

STRATA_PROVIDER_MIRROR says it: the folder of a filesystem mirror; `none`; `search`, which looks for a mirror on this
machine and remembers what it found; `registry`, which downloads the pinned version.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.synthesized import CHECKOUT

PINNED = "6.25.0"
OLDEST = "5.100.0"
_SOURCE = "registry.terraform.io/hashicorp/aws"
_REGISTRY = "https://registry.terraform.io/.well-known/terraform.json"
_PATIENCE = 10
_SMALLEST = 50_000_000
"""In bytes: what is smaller is a stand-in of some test."""


class Memory(Protocol):
    """What outlives a run: pytest's cache."""

    def get(self, key: str, default: str | None) -> str | None:
        """Returns what was kept."""

    def set(self, key: str, value: str) -> None:
        """Keeps a text."""


class NotFoundError(Exception):
    """There is no provider; the text says why, on one line."""


@dataclass(frozen=True)
class RealProvider:
    """An AWS provider that Terraform can install."""

    mirror: Path | None
    version: str

    @property
    def shimmed(self) -> bool:
        """Says whether stacks need the shims of `provider5.py`."""
        return int(self.version.split(".")[0]) < int(PINNED.split(".", maxsplit=1)[0])

    def environment(self, folder: Path, terraform: str) -> dict[str, str]:
        """Returns the variables with which commands use it; what they need besides goes into a folder."""
        plugins = folder / "plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        (folder / "terraform.tfrc").write_text(self._installation())
        if self.shimmed:
            script = folder / "terraform"
            shim = [sys.executable, "-I", "-S", str(Path(__file__).with_name("provider5.py")), terraform, self.version]
            script.write_text(f'#!/bin/sh\nexec {shlex.join(shim)} "$@"\n')
            script.chmod(0o755)
            terraform = str(script)
        return {
            "TERRAFORM_BINARY_NAME": terraform,
            "TF_CLI_CONFIG_FILE": str(folder / "terraform.tfrc"),
            "TF_PLUGIN_CACHE_DIR": str(plugins),
            "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "true",
        }

    def _installation(self) -> str:
        if self.mirror is None:
            return ""
        return f'provider_installation {{\n  filesystem_mirror {{\n    path = "{self.mirror}"\n  }}\n}}\n'


def find(setting: str, memory: Memory) -> RealProvider:
    """Returns the provider that a setting of STRATA_PROVIDER_MIRROR leads to.

    Raises:
        NotFoundError: there is none there.
    """
    if setting == "none":
        raise NotFoundError("STRATA_PROVIDER_MIRROR is none")
    if setting == "registry":
        return _in_registry()
    if setting == "search":
        return _on_this_machine(memory)
    return _in_mirror(Path(setting).expanduser().resolve())


def _in_mirror(mirror: Path) -> RealProvider:
    versions = set(_versions(mirror / _SOURCE))
    if PINNED in versions:
        return RealProvider(mirror, PINNED)
    # A stack takes no version but the pinned one, which only the shims change.
    older = [each for each in versions if _numbers(OLDEST) <= _numbers(each) < (_numbers(OLDEST)[0] + 1,)]
    if not older:
        raise NotFoundError(f"{mirror} has neither {PINNED} of {_SOURCE} nor {OLDEST} or a later 5.x")
    return RealProvider(mirror, max(older, key=_numbers))


def _versions(folder: Path) -> Iterator[str]:
    """Yields the versions that a mirror has for this platform, unpacked or packed: Terraform takes both."""
    for binary in folder.glob(f"*/{platform_name()}/terraform-provider-aws_v*"):
        if binary.stat().st_size > _SMALLEST:
            yield binary.parents[1].name
    for archive in folder.glob(f"terraform-provider-aws_*_{platform_name()}.zip"):
        if archive.stat().st_size > _SMALLEST:
            yield archive.name.split("_")[1]


def _on_this_machine(memory: Memory) -> RealProvider:
    known = memory.get("strata/provider-mirror", None)
    if known:
        try:
            return _in_mirror(Path(known))
        except NotFoundError:
            known = None
    if known is None:
        found = _searched()
        memory.set("strata/provider-mirror", str(found or ""))
        if found:
            return _in_mirror(found)
    raise NotFoundError("a search found no mirror on this machine; pytest --cache-clear searches anew")


_NOWHERE = ("/dev", "/proc", "/run", "/sys")


def _searched() -> Path | None:
    for folder, below, _files in os.walk("/"):
        # Neither has what Terraform installed for one stack, or a test for itself: it may be gone the next minute. In
        # the checkout is the owner's configuration, which no test opens.
        if folder in (str(CHECKOUT), *_NOWHERE, tempfile.gettempdir()) or folder.endswith("/.terraform"):
            below.clear()
        if folder.endswith(_SOURCE):
            with contextlib.suppress(NotFoundError):
                mirror = Path(folder).parents[2]
                _in_mirror(mirror)
                return mirror
    return None


def _in_registry() -> RealProvider:
    try:
        urllib.request.urlopen(_REGISTRY, timeout=_PATIENCE).close()
    except OSError as error:
        raise NotFoundError(f"the registry did not answer within {_PATIENCE} s: {error}") from None
    return RealProvider(None, PINNED)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def platform_name() -> str:
    """Returns the name of this platform in a mirror."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}_{machine}"


def terraform() -> str:
    """Returns the Terraform that tests run: TERRAFORM_BINARY_NAME, the one on PATH, or the one in the venv."""
    wheel = str(Path(sys.executable).parent / "strata-terraform")
    named = os.environ.get("TERRAFORM_BINARY_NAME")
    found = shutil.which(named) if named else shutil.which("terraform") or shutil.which(wheel)
    if found is None:
        raise FileNotFoundError(f"no terraform: {named} (set TERRAFORM_BINARY_NAME or run make)")
    return found
