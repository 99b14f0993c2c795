"""Runs real Terraform and the real cdktf CLI against the stand-in provider and moto, for tests."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.engine import catalog
from tests.engine.forkserver import forkserver
from tests.engine.schema import load_schema
from tests.engine.world import World

# Without site-packages, and so without the venv either: both take longer than what the client does.
FORKED = [str(Path(sys.executable).resolve()), "-I", "-S", str(Path(__file__).with_name("forkclient.py"))]
REAL = os.environ.get("STRATA_ENGINE_PROVIDER") == "real"
"""Whether Terraform gets the real AWS provider from its registry, to be run against moto, and not the stand-in."""
PROVIDER = "registry.terraform.io/hashicorp/aws/6.25.0"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_DROPPED = ("AWS_", "TF_", "CDKTF_", "STRATA_", "MOTO_")


class Run(NamedTuple):
    """How a command ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything that the command said, without the frames of Terraform and the cursor movements of cdktf."""
        lines = _ESCAPES.sub("", self.stdout + self.stderr).splitlines()
        return "\n".join(line.strip("│╷╵ ") for line in lines)


class Shared(NamedTuple):
    """What all scenarios of a test process share: the folder of `prepared`, and the socket of its fork server."""

    cache: Path
    forkserver: Path

    @property
    def plugins(self) -> Path:
        """Where Terraform keeps the real provider, once for all scenarios."""
        return self.cache / "plugins"


@dataclass(frozen=True)
class Engine:
    """One scenario: a fresh moto, a fresh world, and commands that know both."""

    shared: Shared
    endpoint: str
    world: World

    def environment(self, **more: str) -> dict[str, str]:
        """Returns the environment of a command: nothing of the caller's AWS or Terraform settings gets through."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDKTF_SKIP_PROVIDER_LOCK": "true",
            "CHECKPOINT_DISABLE": "1",
            "FORCE_COLOR": "0",
            "STRATA_ENGINE_CACHE": str(self.shared.cache),
            "STRATA_ENGINE_FORKSERVER": str(self.shared.forkserver),
            "STRATA_ENGINE_WORLD": str(self.world.path),
            "TERRAFORM_BINARY_NAME": terraform_binary(),
            "TF_CLI_ARGS": "-no-color",
            "TF_CLI_CONFIG_FILE": str(self.shared.cache / "terraform.tfrc"),
            "TF_INPUT": "0",
            "TF_IN_AUTOMATION": "1",
            **(self._real_provider() if REAL else {}),
            **more,
        }

    def _real_provider(self) -> dict[str, str]:
        """Returns what the real provider needs to find moto, and to fail soon at what moto does not answer."""
        return {
            "AWS_MAX_ATTEMPTS": "3",
            # The provider reads the tags of a bucket from S3 Control at <account>.127.0.0.1, which has no address.
            "HTTP_PROXY": self.endpoint,
            "TF_PLUGIN_CACHE_DIR": str(self.shared.plugins),
            "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "true",
        }

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Returns a boto3 client of this scenario's moto."""
        import boto3

        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def terraform(self, folder: Path, *arguments: str, **environment: str) -> Run:
        """Runs Terraform in a folder."""
        return _run([terraform_binary(), *arguments], folder, self.environment(**environment))


@contextlib.contextmanager
def scenario(shared: Shared, folder: Path) -> Iterator[Engine]:
    """Gives a scenario of its own, with a fresh moto."""
    with _moto(shared, folder) as endpoint:
        yield Engine(shared, endpoint, World(_world(folder)))


def _world(folder: Path) -> Path:
    return folder / "world.json"


@contextlib.contextmanager
def prepared(cache: Path) -> Iterator[Shared]:
    """Makes what all scenarios share: the schema, the provider as Terraform finds it, Terraform's configuration."""
    load_schema(catalog.RESOURCES, catalog.DATA_SOURCES, cache)
    mirror = cache / "mirror"
    folder = mirror / PROVIDER / _terraform_platform()
    folder.mkdir(parents=True, exist_ok=True)
    _write(
        folder / "terraform-provider-aws_v6.25.0",
        f'#!/bin/sh\nexec {shlex.join(FORKED)} "$STRATA_ENGINE_FORKSERVER" provider\n',
    )
    _write(cache / "terraform.tfrc", _installation(mirror))
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="strata-") as sockets:
        socket = Path(sockets, "forkserver")
        with forkserver(socket, cache):
            shared = Shared(cache, socket)
            shared.plugins.mkdir(exist_ok=True)
            yield shared


def _installation(mirror: Path) -> str:
    """Returns Terraform's configuration: the stand-in comes from the mirror, the real provider from its registry."""
    if REAL:
        return ""
    return (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{mirror}"\n    include = ["registry.terraform.io/*/*"]\n  }}\n'
        "}\n"
    )


def _write(file: Path, text: str) -> None:
    """Writes an executable file at once and only if it changes, because other test processes may be using it."""
    if not file.exists() or file.read_text() != text:
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_text(text)
        unfinished.chmod(0o755)
        unfinished.replace(file)


def terraform_binary() -> str:
    """Returns the Terraform that the tests run: TERRAFORM_BINARY_NAME, or the one that came with the venv."""
    named = os.environ.get("TERRAFORM_BINARY_NAME") or str(Path(sys.executable).parent / "strata-terraform")
    found = shutil.which(named)
    if found is None:
        raise FileNotFoundError(f"no terraform: {named} (set TERRAFORM_BINARY_NAME or run make)")
    return found


def _terraform_platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}_{machine}"


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> Run:
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return Run(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def _moto(shared: Shared, folder: Path) -> Iterator[str]:
    """Runs a moto server of its own on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    if not REAL:
        environment["STRATA_ENGINE_WORLD"] = str(_world(folder))
    with (folder / "moto.log").open("w") as log:
        server = subprocess.Popen(
            [*FORKED, str(shared.forkserver), "moto", "-H", "127.0.0.1", "-p", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/moto-api/", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url).close()
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"moto does not answer at {url}")
