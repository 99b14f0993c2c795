"""A landing zone of three stacks that is deployed by a Terraform that tests tell what to answer."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from strata.aws.session import Aws
from strata.aws.states import Version
from strata.config.models import ACCESS_ROLE, state_key
from strata.deploy import asking, deploying
from strata.deploy.ending import finish
from strata.errors import Message
from strata.load import load
from strata.options import Options
from strata.terraform.change_list import ApprovedList
from strata.terraform.planner import plan_folder
from strata.terraform.progress import Progress
from strata.terraform.signals import Signals
from strata.terraform.situation import Situation
from strata.terraform.workspace import StateObject, Workspace
from tests import fake_terraform
from tests.processes import interrupts
from tests.synthesized import CHECKOUT

Json = dict[str, Any]


TEMPLATE = CHECKOUT / "strata/template"


ACCOUNT = "123456789012"


STACKS = ("backend", "organizations", "security")


ATTACHED = "aws_organizations_policy_attachment.deny_root"


def planned(*changes: tuple[str, str]) -> Json:
    """Returns a plan in Terraform's JSON; the values of what is made are known."""
    after = {"target_id": "r-1", "policy_id": "p-1"}
    words: dict[str, list[str]] = {"replace": ["delete", "create"]}
    return {
        "resource_changes": [
            {
                "address": address,
                "mode": "managed",
                "change": {"actions": words.get(action, [action]), "before": None, "after": after},
            }
            for action, address in changes
        ]
    }


MADE = planned(("create", "aws_a.new"))


def waits_for(stack: str) -> Json:
    """Returns what Terraform says where a stack that is read has no state yet."""
    address = f"data.terraform_remote_state.cross-stack-reference-input-{stack}"
    diagnostic = {"severity": "error", "summary": "Unable to find remote state", "address": address}
    return {"type": "diagnostic", "diagnostic": diagnostic}


WAITS = waits_for("backend")


STALE = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "Saved plan is stale"}}


@dataclass(frozen=True)
class Recorded(Options):
    """Options that keep what is said."""

    said: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.said.append(text)


def no_states(version: Callable[[StateObject], Version | None] = lambda _: None) -> Situation:
    """Returns a situation that knows nothing of states, but for their versions if it is told."""
    return cast("Situation", _NoStates(version))


class _NoStates:
    def __init__(self, version: Callable[[StateObject], Version | None]) -> None:
        self.version = version

    def reader(self, _stack: str) -> str:
        return ACCESS_ROLE

    def refreshes(self, _stack: str) -> bool:
        return True

    def digest(self, _state: StateObject, _outputs: Collection[str]) -> str:
        return ""


class Site:
    """Three stacks, each reading from the one before, their states in S3, and somebody at a terminal."""

    def __init__(self, folder: Path, aws: Aws) -> None:
        self.folder, self.aws = folder, aws
        self.landing_zone = load(TEMPLATE)
        self.bucket = self.landing_zone.project.state_bucket
        self.aws.client("s3").create_bucket(Bucket=self.bucket)
        self.stacks: tuple[str, ...] = ()
        self.states: dict[str, Json] = {}
        self.needs: dict[str, tuple[str, ...]] = {}
        self.questions: list[str] = []
        self.answer: Callable[[str], bool] = lambda _: True
        self.said: list[str] = []
        self.shut_out: dict[str, Message] = {}
        self.to = io.StringIO()
        self.add("backend")
        self.add("organizations", "backend")
        self.add("security", "organizations")

    def add(self, stack: str, *reads: str) -> None:
        """Adds a stack that reads from others, and of which nothing is to do."""
        self.of(stack).mkdir(parents=True)
        sources = {f"cross-stack-reference-input-{name}": self._source(name) for name in reads}
        backend = self._source(stack)["config"]
        document = {"terraform": {"backend": {"s3": backend}}, "data": {"terraform_remote_state": sources}}
        (self.of(stack) / "cdk.tf.json").write_text(json.dumps(document))
        self.plans(stack, {})
        self.write_state(stack, 1)
        self.stacks, self.states[stack], self.needs[stack] = (*self.stacks, stack), {}, reads
        manifest = {"stacks": {name: {"dependencies": found} for name, found in self.needs.items()}}
        (self.folder / "out/manifest.json").write_text(json.dumps(manifest))

    def _source(self, stack: str) -> Json:
        return {"backend": "s3", "config": {"bucket": self.bucket, "key": state_key(stack), "region": "us-east-1"}}

    def of(self, stack: str) -> Path:
        return self.folder / "out/stacks" / stack

    def plans(self, stack: str, *plans: Json | str) -> None:
        """Says what Terraform plans, one plan after the other."""
        fake_terraform.plans(self.of(stack), *plans)

    def applies(self, stack: str, **told: Any) -> None:
        (self.of(stack) / "apply.json").write_text(json.dumps(told))

    def write_state(self, stack: str, serial: int, lineage: str = "one", **more: Any) -> None:
        """Writes a state, as somebody's Terraform does."""
        body = json.dumps({"lineage": lineage, "serial": serial, "resources": [], "outputs": {}, **more})
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=state_key(stack), Body=body.encode())

    def adds_accounts(self, ids: Json) -> None:
        """Adds a layer `log` in accounts, by key, of which the states have these ids."""
        manifest = json.loads((self.folder / "out/manifest.json").read_text())
        for key in ids:
            stack, own = f"log_{key}", f"data.terraform_remote_state.in.outputs.account{key}id"
            self.of(stack).mkdir()
            document = {
                "terraform": {"backend": {"s3": self._source(stack)["config"]}},
                "provider": {"aws": [{"allowed_account_ids": [f"${{{own}}}"]}]},
                "data": {"terraform_remote_state": {"in": self._source("organizations")}},
            }
            (self.of(stack) / "cdk.tf.json").write_text(json.dumps(document))
            self.plans(stack, {})
            self.write_state(stack, 1)
            manifest["stacks"][stack] = {"dependencies": ["organizations"]}
            self.stacks, self.states = (*self.stacks, stack), {**self.states, stack: {}}
        (self.folder / "out/manifest.json").write_text(json.dumps(manifest))
        outputs = {"account_ids": {"value": ids}}
        self.write_state("organizations", 1, outputs=outputs)
        self.states["organizations"] = {"outputs": outputs, "lineage": "one"}
        vars(self.landing_zone)["account_stacks"] = {f"log_{key}": key for key in ids}

    def options(self) -> Options:
        return Recorded(TEMPLATE, said=self.said)

    def prepared(self, warnings: tuple[Message, ...] = ()) -> Situation:
        """Returns the start of a run, behind its first checks."""
        variables = {"TERRAFORM_BINARY_NAME": str(fake_terraform.install(self.folder)), "PATH": os.environ["PATH"]}
        workspace = Workspace(self.folder / "out", variables)
        return Situation(
            *(self.landing_zone, self.aws, workspace),
            *(tuple(stack for stack in self.stacks if stack not in self.shut_out), self.states),
            warnings=warnings,
            shut_out=self.shut_out,
        )

    def deploys(
        self,
        *,
        yes: bool = False,
        warnings: tuple[Message, ...] = (),
        expected: ApprovedList | None = None,
    ) -> int:
        """Runs `strata deploy` behind its first checks."""
        prepared = self.prepared(warnings)
        with Signals() as self.signals, plan_folder(prepared.workspace) as self.plan_folder:
            options = self.options()
            progress = Progress(options)
            given = (options, prepared, self.signals, self.plan_folder, self.to, progress)
            self.run = deploying.begin(*given, yes=yes, expected=expected)
            return deploying.deploy(self.run)

    def deployment_ends(self, *, yes: bool = False) -> int:
        """Runs `strata deploy` to its end."""
        code = self.deploys(yes=yes)
        return finish(self.run, code, json=True)

    def did(self, stack: str) -> str:
        """Returns the commands that Terraform got for a stack, in order."""
        file = self.of(stack) / "commands.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return " ".join(line.split()[0] for line in lines if line.split()[0] not in ("init", "show"))

    @property
    def statuses(self) -> list[str]:
        return [entry.status.word for entry in self.run.schedule.entries.values()]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Aws) -> Iterator[Site]:
    with interrupts():
        site = Site(tmp_path, account)

        def confirmed(question: str) -> bool:
            site.questions.append(question)
            return site.answer(question)

        monkeypatch.setattr(asking, "confirmed", confirmed)
        yield site
