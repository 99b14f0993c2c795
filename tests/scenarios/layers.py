"""The layers of docs/layers.md, as files, and a checkout of somebody who has them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.documents import CHECKOUT, blocks
from tests.scenarios.site import Run, Site, ended

PAGE = CHECKOUT / "docs/layers.md"
ROLE = "OrganizationAccountAccessRole"


def write_layer(checkout: Path, layer: str) -> None:
    """Writes the files of a layer as the page has them."""
    for block in blocks(PAGE, "python"):
        if f"layer `{layer}`" in block.text.partition("\n")[0]:
            name = "model.py" if "class Settings" in block.text else "stack.py"
            file = checkout / "stacks/layers" / layer / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text)


class Clone:
    """A checkout of somebody with layers of his own, and the landing zone that it deploys."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder, self.site, self.home = folder, site, site.region
        folder.mkdir()
        for name in ("main.py", "cdktf.json", "package.json"):
            shutil.copy(CHECKOUT / name, folder)
        for name in ("stacks", "strata"):
            shutil.copytree(CHECKOUT / name, folder / name)
        shutil.rmtree(folder / "stacks/layers")
        (folder / "stacks/layers").mkdir()
        shutil.copy(CHECKOUT / "stacks/layers/__init__.py", folder / "stacks/layers")
        for name in (".venv", "node_modules"):
            (folder / name).symlink_to(CHECKOUT / name)
        (folder / "config").symlink_to(site.config)

    def add(self, layer: str) -> None:
        write_layer(self.folder, layer)

    def types(self, heading: str) -> None:
        """Types the lines of the page that make files."""
        (block,) = blocks(PAGE, "sh", heading)
        lines = "\n".join(line for line in block.text.splitlines() if not line.startswith("strata "))
        subprocess.run(["sh", "-eu", "-c", lines], cwd=self.folder, check=True)

    def permissions(self, layer: str) -> str:
        """Returns the policy of who deploys a layer."""
        return self.strata("permissions", layer).stdout

    def sign_in(self, *policies: str) -> None:
        """Has commands run with `reader` and other policies, and no other permission."""
        reader, *_ = self.site.policies()
        self.site.aws.allow_only(reader, *policies)

    def strata(self, *arguments: str) -> Run:
        return self._run("-m", "strata", *arguments)

    def cdktf(self, *arguments: str) -> Run:
        return self._run("-c", "from strata.terraform.tools import cdktf; cdktf()", *arguments)

    def _run(self, *words: str) -> Run:
        return ended(self._started(sys.executable, *words))

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a strata command."""
        return self._started(sys.executable, "-m", "strata", *arguments)

    def _started(self, *words: str | Path, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env={**self.site.environment(), "PYTHONPATH": os.environ["PYTHONPATH"], **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def locks(self) -> list[str]:
        """Returns the locks of all states."""
        s3, bucket = self.site.aws.client("s3", self.home), "ex-terraform-state-123456789012"
        found = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        return [key for key in found if key.endswith(".tflock")]

    def accounts(self) -> dict[str, str]:
        """Returns the ids of the member accounts by key, which is in their address."""
        found = self.site.aws.client("organizations").list_accounts()["Accounts"]
        return {one["Email"].partition("+")[2].partition("@")[0]: one["Id"] for one in found if "+" in one["Email"]}

    def member(self, account: str, service: str) -> Any:
        """Returns a client of somebody in a member account."""
        return _client(self.site, account, service, self.home)


def stacks(run: Run) -> dict[str, dict[str, Any]]:
    """Returns the stacks of a command with --json."""
    return {one["stack"]: one for one in json.loads(run.stdout)["stacks"]}


def member(site: Site, name: str, service: str, region: str = "us-east-1") -> Any:
    """Returns a client of somebody in a member account."""
    (account,) = [one["Id"] for email, one in site.accounts().items() if email.startswith(f"aws+{name}@")]
    return _client(site, account, service, region)


def _client(site: Site, account: str, service: str, region: str) -> Any:
    import boto3

    arn = f"arn:aws:iam::{account}:role/{ROLE}"
    given = site.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return boto3.Session(*keys, region_name=region).client(service, endpoint_url=site.aws.url)


def free_locks(site: Site) -> None:
    """Frees the locks of a killed run, as the page for operators says."""
    for key in [key for key in site.locks() if key.endswith(".tflock")]:
        lock = json.load(site.client("s3").get_object(Bucket=site.bucket, Key=key)["Body"])["ID"]
        assert site.terraform(key.split("/")[1], "force-unlock", "-force", lock).code == 0
