"""A landing zone under test: a configuration of its own, the commands an operator types, and what AWS then has."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.harness import REAL, Engine, Run, terraform_binary
from tests.synthesized import synthesize

CHECKOUT = Path(__file__).parents[2]
TABLE = "ex-terraform-lock"
SANDBOX = (
    "accounts:\n  security:\n",
    "accounts:\n  sandbox:\n    email: aws+sandbox@example.com\n    organizational_unit: shared\n  security:\n",
)
"""An edit of organization.yaml that adds an account."""
STACKS = ("backend", "organizations", "security", "sso")
CARRIED = ("backend",) if REAL else STACKS
"""The stacks of a snapshot: moto answers the real provider what `backend` needs, and lacks calls of the others."""


@dataclass(frozen=True)
class Site:
    """One configuration folder, deployed to one engine."""

    engine: Engine
    config: Path
    output: Path

    @classmethod
    def of(cls, engine: Engine, source: Path, folder: Path) -> Site:
        """Copies a configuration so that a test may edit it."""
        shutil.copytree(source, folder / "config")
        return cls(engine, folder / "config", folder / "out")

    def edit(self, file: str, *changes: tuple[str, str]) -> None:
        """Replaces text in a configuration file, each exactly once, as an operator's editor does."""
        path = self.config / file
        text = path.read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
            text = text.replace(old, new)
        path.write_text(text)

    def append(self, file: str, text: str) -> None:
        """Adds lines at the end of a configuration file."""
        with (self.config / file).open("a") as opened:
            opened.write(f"\n{text}")

    def strata(self, *arguments: str, **environment: str) -> Run:
        """Runs the strata command."""
        return self._run([str(Path(sys.executable).parent / "strata"), *arguments], **environment)

    def strata_at_a_terminal(self, answer: str, *arguments: str) -> Run:
        """Runs the strata command with somebody at its terminal, who types one answer."""
        master, terminal = os.openpty()
        os.write(master, f"{answer}\n".encode())
        try:
            return self._run([str(Path(sys.executable).parent / "strata"), *arguments], terminal)
        finally:
            os.close(master)
            os.close(terminal)

    def shell(self, command: str) -> Run:
        """Runs a command line that a message named."""
        return self._run(["sh", "-c", command])

    def cdktf(self, *arguments: str, **environment: str) -> Run:
        """Runs the cdktf command."""
        return self._run([str(Path(sys.executable).parent / "cdktf"), *arguments], **environment)

    def deploy(self, *stacks: str, **environment: str) -> Run:
        """Deploys stacks, all four when none is named, with the real cdktf CLI."""
        return self.cdktf("deploy", *(stacks or STACKS), "--auto-approve", **environment)

    def synth(self) -> None:
        """Writes the Terraform as cdktf has main.py write it, a second sooner: jsii runs already."""
        self.output.mkdir(exist_ok=True)
        synthesize(self.config, self.output, emulated=True)

    def terraform(self, stack: str, *arguments: str, **environment: str) -> Run:
        """Runs Terraform in the synthesized folder of one stack."""
        return self.engine.terraform(self.output / "stacks" / stack, *arguments, **environment)

    @contextlib.contextmanager
    def terraform_that_asks(self, stack: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Runs Terraform up to its question, at which it holds the lock, and has it killed if nobody answers."""
        process = subprocess.Popen(
            [terraform_binary(), *arguments],
            cwd=self.output / "stacks" / stack,
            env=self.engine.environment(TF_INPUT="1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = ""
        while not said.endswith("Enter a value: "):
            character = process.stdout.read(1)
            assert character, f"it ended without a question: {said}"
            said += character
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def plan(self, stack: str) -> dict[str, str]:
        """Returns what Terraform would do to each resource of a stack; fails when it cannot plan."""
        planned = self.terraform(stack, "plan", "-detailed-exitcode", "-out=test.plan")
        assert planned.code in (0, 2), planned.text
        if planned.code == 0:
            return {}
        shown = json.loads(self.terraform(stack, "show", "-json", "test.plan").stdout)
        changes = {found["address"]: found["change"]["actions"] for found in shown.get("resource_changes", ())}
        return {
            address: "+".join(actions)
            for address, actions in changes.items()
            if actions not in (["no-op"], ["read"]) and not address.startswith("data.")
        }

    def apply(self, stack: str) -> Run:
        """Applies one stack with Terraform alone; a test reads how it ended."""
        return self.terraform(stack, "apply", "-auto-approve")

    def state(self, stack: str) -> dict[str, Any]:
        """Returns the state of a stack as it lies in the bucket."""
        body = self.s3().get_object(Bucket=self.bucket, Key=f"management/{stack}/terraform.tfstate")["Body"]
        state: dict[str, Any] = json.load(body)
        return state

    def addresses(self, stack: str) -> set[str]:
        """Returns the addresses of the resources in a stack's state."""
        resources = self.state(stack)["resources"]
        return {f"{r['type']}.{r['name']}" for r in resources if r["mode"] == "managed" and r["instances"]}

    def attributes(self, stack: str, address: str) -> dict[str, Any]:
        """Returns what a stack's state says of one resource."""
        resources = self.state(stack)["resources"]
        found = next(r for r in resources if r["mode"] == "managed" and f"{r['type']}.{r['name']}" == address)
        attributes: dict[str, Any] = found["instances"][0]["attributes"]
        return attributes

    @property
    def bucket(self) -> str:
        """The state bucket, as S3 lists it."""
        names: list[str] = [bucket["Name"] for bucket in self.s3().list_buckets()["Buckets"]]
        return next(name for name in names if name.endswith(("-state-123456789012", "-state")))

    def s3(self) -> Any:
        """Returns a client for what the tests look at in S3."""
        return self.client("s3")

    def client(self, service: str) -> Any:
        """Returns a boto3 client for this engine's moto."""
        return self.engine.client(service)

    def locks(self) -> list[str]:
        """Returns every lock on the state that somebody still holds, in S3 or in the table."""
        objects = self.s3().list_objects_v2(Bucket=self.bucket).get("Contents", [])
        files = [found["Key"] for found in objects if found["Key"].endswith(".tflock")]
        table = self.client("dynamodb")
        rows = [
            row["LockID"]["S"]
            for name in table.list_tables()["TableNames"]
            for row in table.scan(TableName=name)["Items"]
            if "Info" in row
        ]
        return files + rows

    def _run(self, command: list[str], at: int = subprocess.DEVNULL, /, **environment: str) -> Run:
        variables = self.engine.environment(
            STRATA_CONFIG=str(self.config), CDKTF_OUTPUT=str(self.output), **environment
        )
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=variables,
            stdin=at,
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Snapshot:
    """A deployed site, and what it takes to have it back: one deploy serves many scenarios."""

    site: Site
    world: bytes
    objects: dict[str, bytes]
    rows: list[dict[str, Any]]

    @classmethod
    def of(cls, site: Site) -> Snapshot:
        """Deploys a site with Terraform alone, which is what cdktf runs, and keeps what there is then."""
        assert site.strata("bootstrap", "--yes").code == 0
        site.engine.world.set_identity_center(enabled=True)
        site.synth()
        for stack in CARRIED:
            initialized = site.terraform(stack, "init")
            assert initialized.code == 0, initialized.text
            applied = site.apply(stack)
            assert applied.code == 0, applied.text
        s3 = site.s3()
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=site.bucket)["Contents"]]
        objects = {key: s3.get_object(Bucket=site.bucket, Key=key)["Body"].read() for key in keys}
        rows = site.client("dynamodb").scan(TableName=TABLE)["Items"]
        return cls(site, site.engine.world.path.read_bytes(), objects, rows)

    def restored(self, folder: Path) -> Site:
        """Puts everything back, and returns a copy of the site whose files may be changed."""
        site, s3, table = self.site, self.site.s3(), self.site.client("dynamodb")
        site.engine.world.path.write_bytes(self.world)
        for found in s3.list_objects_v2(Bucket=site.bucket).get("Contents", ()):
            s3.delete_object(Bucket=site.bucket, Key=found["Key"])
        for key, body in self.objects.items():
            s3.put_object(Bucket=site.bucket, Key=key, Body=body)
        for row in table.scan(TableName=TABLE)["Items"]:
            table.delete_item(TableName=TABLE, Key={"LockID": row["LockID"]})
        for row in self.rows:
            table.put_item(TableName=TABLE, Item=row)
        shutil.copytree(site.config, folder / "config")
        shutil.copytree(site.output, folder / "out", symlinks=True)
        return Site(site.engine, folder / "config", folder / "out")
