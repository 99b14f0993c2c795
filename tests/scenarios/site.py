"""A landing zone under test: a configuration of its own, the commands an operator types, and the AWS it is in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.aws.client import ACCOUNT, CHECKOUT, Aws
from tests.synthesized import COMPANY, synthesize

TEMPLATE = CHECKOUT / "strata" / "template"
CONFIGURATIONS = {"shipped": TEMPLATE, "company": COMPANY}
STACKS = ("backend", "organizations", "security", "sso")
Provider = Callable[[Mapping[str, str]], Mapping[str, str]]
"""What a command needs besides its environment to run with a provider."""
_DROPPED = ("AWS_", "CDKTF_", "HTTP", "MOTO_", "STRATA_", "TF_")


class Run(NamedTuple):
    """How a command ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything that the command said, in one line's words: Terraform breaks its lines where it likes."""
        return " ".join((self.stdout + self.stderr).replace("│", " ").split())


@dataclass(frozen=True)
class Site:
    """One configuration folder, and the Terraform that it becomes, in one AWS."""

    aws: Aws
    provider: Provider = field(repr=False)
    folder: Path

    @classmethod
    def of(cls, aws: Aws, provider: Provider, source: Path, folder: Path) -> Site:
        """Copies a configuration for the account of the emulated AWS."""
        shutil.copytree(source, folder / "config")
        site = cls(aws, provider, folder)
        for file in (folder / "config").rglob("*.*"):
            file.write_text(file.read_text().replace("471112350983", ACCOUNT))
        return site

    @property
    def config(self) -> Path:
        """The configuration folder."""
        return self.folder / "config"

    @property
    def output(self) -> Path:
        """Where the Terraform is."""
        return self.folder / "out"

    def environment(self, **more: str) -> dict[str, str]:
        """Returns the environment of a command: nothing of the caller's AWS or Terraform settings gets through."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
        variables = {
            **kept,
            **self.aws.environment(),
            "CDKTF_OUTPUT": str(self.output),
            "CDKTF_SKIP_PROVIDER_LOCK": "true",
            "CHECKPOINT_DISABLE": "1",
            "FORCE_COLOR": "0",
            "STRATA_CONFIG": str(self.config),
            "TF_CLI_ARGS": "-no-color",
            "TF_INPUT": "0",
            "TF_IN_AUTOMATION": "1",
            **more,
        }
        return {**variables, **self.provider(variables)}

    def edit(self, file: str, *changes: tuple[str, str]) -> None:
        """Replaces text in a configuration file, each exactly once, as an operator's editor does."""
        path = self.config / file
        text = path.read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
            text = text.replace(old, new)
        path.write_text(text)

    def strata(self, *arguments: str, **environment: str) -> Run:
        """Runs the strata command."""
        return self._run([_command("strata"), *arguments], environment)

    def cdktf(self, *arguments: str) -> Run:
        """Runs the cdktf command."""
        return self._run([_command("cdktf"), *arguments], {})

    def started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts the strata command in a process group of its own, to be killed."""
        return subprocess.Popen(
            [_command("strata"), *arguments],
            cwd=CHECKOUT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def shell(self, command: str) -> Run:
        """Runs a command line that a message named."""
        return self._run(["sh", "-c", command], {})

    def make_external_groups(self) -> None:
        """Makes the groups that the configuration says come from elsewhere."""
        from strata.config import load
        from tests.aws.center import STORE

        landing_zone = load(self.config)
        store = self.aws.client("identitystore", self.region)
        for key, group in landing_zone.sso.groups.items():
            if group.external:
                store.create_group(IdentityStoreId=STORE, DisplayName=group.name or key)

    def synth(self) -> None:
        """Writes the Terraform as cdktf has main.py write it, a second sooner: jsii runs already."""
        self.output.mkdir(exist_ok=True)
        synthesize(self.config, self.output, emulated=True)

    def terraform(self, stack: str, *arguments: str, **environment: str) -> Run:
        """Runs Terraform in the synthesized folder of one stack."""
        chdir = f"-chdir={self.output / 'stacks' / stack}"
        terraform = self.environment()["TERRAFORM_BINARY_NAME"]
        return self._run([terraform, chdir, *arguments], environment)

    def plan(self, stack: str) -> dict[str, str]:
        """Returns what Terraform would do to each resource of a stack; fails when it cannot plan."""
        planned = self.terraform(stack, "plan", "-detailed-exitcode", "-out=test.plan")
        assert planned.code in (0, 2), planned.text[-3000:]
        if planned.code == 0:
            return {}
        shown = json.loads(self.terraform(stack, "show", "-json", "test.plan").stdout)
        changes = {
            found["address"]: "+".join(found["change"]["actions"]) for found in shown.get("resource_changes", ())
        }
        changed = {address: actions for address, actions in changes.items() if actions not in ("no-op", "read")}
        outputs = {f"output.{name}": "+".join(found["actions"]) for name, found in shown["output_changes"].items()}
        return changed | {name: actions for name, actions in outputs.items() if actions != "no-op"}

    def state(self, stack: str) -> dict[str, dict[str, Any]]:
        """Returns the attributes of every resource in a stack's state, by address."""
        s3, key = self.aws.client("s3", self.region), f"management/{stack}/terraform.tfstate"
        state = json.load(s3.get_object(Bucket=self.bucket, Key=key)["Body"])
        managed = (each for each in state["resources"] if each["mode"] == "managed")
        return {f"{r['type']}.{r['name']}": i["attributes"] for r in managed for i in r["instances"]}

    @property
    def region(self) -> str:
        """The primary region."""
        from strata.config import load

        return str(load(self.config).project.regions.primary)

    @property
    def bucket(self) -> str:
        """The state bucket."""
        from strata.config import load

        return str(load(self.config).project.state_bucket)

    def _run(self, command: list[str], environment: Mapping[str, str]) -> Run:
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Snapshot:
    """A site and the AWS it is in, at one moment."""

    site: Site
    aws: bytes
    kept: Path

    @classmethod
    def of(cls, site: Site, kept: Path) -> Snapshot:
        """Keeps what there is now."""
        shutil.copytree(site.folder, kept, symlinks=True)
        return cls(site, site.aws.snapshot(), kept)

    def restored(self, folder: Path) -> Site:
        """Puts AWS back, and returns a copy of the site whose files may be changed."""
        self.site.aws.restore(self.aws)
        shutil.copytree(self.kept, folder, symlinks=True, dirs_exist_ok=True)
        return Site(self.site.aws, self.site.provider, folder)


def _command(name: str) -> str:
    return str(Path(sys.executable).parent / name)
