"""A landing zone under test: a configuration of its own, the commands an operator types, and the AWS it is in."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

import yaml
from typer.testing import CliRunner

from strata.cli import app
from strata.terraform import workspace
from tests.aws.client import ACCOUNT, CHECKOUT, Aws, Recorded
from tests.processes import interrupts
from tests.said import Told
from tests.scenarios.aws_cli import commands, parse
from tests.synthesized import COMPANY, synthesize

TEMPLATE = CHECKOUT / "strata" / "template"
CONFIGURATIONS = {"shipped": TEMPLATE, "company": COMPANY}
TABLE = "ex-terraform-lock"
SANDBOX = (
    "accounts:\n  security:\n",
    "accounts:\n  sandbox:\n    email: aws+sandbox@example.com\n    organizational_unit: shared\n  security:\n",
)
"""An edit of organization.yaml that adds an account."""
STACKS = ("backend", "organizations", "security", "sso")
PASSES = re.compile("AccessNotEnabled|Service not enabled for AWS Organizations|Obtaining permissions to manage")
"""What AWS says in the first minutes, and `strata deploy` waits for."""
Provider = Callable[[Mapping[str, str]], Mapping[str, str]]
"""What a command needs besides its environment to run with a provider."""
_DROPPED = ("AWS_", "CDKTF_", "HTTP", "MOTO_", "STRATA_", "TF_")


class Run(NamedTuple):
    """How a command ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """Everything that the command said, without the frames of Terraform."""
        return [line.strip("│╷╵ ") for line in (self.stdout + self.stderr).splitlines()]

    @property
    def text(self) -> str:
        """Everything that the command said, in one line's words: Terraform breaks its lines where it likes."""
        return " ".join((self.stdout + self.stderr).replace("│", " ").split())

    @property
    def told(self) -> list[Told]:
        """The messages of a command that was asked for JSON."""
        return [Told(**message) for message in json.loads(self.stdout)["messages"]]

    @property
    def ids(self) -> list[str]:
        """The ids of these messages."""
        return [message.id for message in self.told]

    @property
    def messages(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Id, place and data of each message of a command with --json."""
        return [(one.id, one.place, one.data) for one in self.told]

    @property
    def planned(self) -> dict[str, dict[str, str]]:
        """What `strata plan --json` would do to each resource, by stack and address."""
        stacks = json.loads(self.stdout)["stacks"]
        return {one["stack"]: {change["address"]: change["action"] for change in one["changes"]} for one in stacks}

    @property
    def changing(self) -> dict[str, dict[str, str]]:
        """The same, of the stacks in which something would change."""
        return {stack: changes for stack, changes in self.planned.items() if changes}


@dataclass(frozen=True)
class Site:
    """One configuration folder, and the Terraform that it becomes, in one AWS."""

    aws: Aws
    provider: Provider = field(repr=False)
    folder: Path

    @classmethod
    def of(cls, aws: Aws, provider: Provider, source: Path, folder: Path) -> Site:
        """Copies a configuration for the account of the emulated AWS, without what it expects of edits."""
        shutil.copytree(source, folder / "config", ignore=shutil.ignore_patterns("expectations.yaml"))
        site = cls(aws, provider, folder)
        for file in (folder / "config").rglob("*.*"):
            file.write_text(file.read_text().replace("471112350983", ACCOUNT))
        site.sign_in_as_deployer()
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

    def policies(self) -> tuple[str, ...]:
        """Returns the policies of `strata permissions`, all of them."""
        return _policies((self.config / "project.yaml").read_text())

    def sign_in_as_deployer(self, *more: str) -> None:
        """Has commands run with the policies of `strata permissions`, and others, and no other permission."""
        self.aws.allow_only(*self.policies(), *more)

    def sign_in_as_administrator(self) -> None:
        """Has commands run with all permissions."""
        self.aws.allow_only()

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

    def strata_at_a_terminal(self, answer: str, *arguments: str) -> Run:
        """Runs the strata command with somebody at its terminal, who types an answer."""
        master, terminal = os.openpty()
        os.write(master, f"{answer}\n".encode())
        try:
            return self._run([_command("strata"), *arguments], {}, terminal)
        finally:
            os.close(master)
            os.close(terminal)

    def killed(self, action: str, *command: str, containing: str = "") -> None:
        """Runs a command until AWS has done something, and kills all of it before it hears of that."""
        running = self.hanging(action, *command, containing=containing)
        for process in [running.pid, *below(running.pid)]:
            os.kill(process, signal.SIGKILL)
        running.communicate()
        self.aws.heal()

    def stopped(self, action: str, *command: str, containing: str = "") -> Run:
        """The same, but only Terraform is killed; returns how the command that runs it ended."""
        running = self.hanging(action, *command, containing=containing)
        for process, words in below(running.pid).items():
            if any("terraform" in Path(word).name for word in words[:2]):
                os.kill(process, signal.SIGKILL)
        stdout, stderr = running.communicate()
        self.aws.heal()
        return Run(running.returncode, stdout, stderr)

    def hanging(self, action: str, *command: str, containing: str = "") -> subprocess.Popen[str]:
        """Starts a command in a process group of its own, and waits until AWS does not answer it."""
        self.aws.fail(action, way="hang", containing=containing)
        running = self.started(*command)
        assert self.aws.held(600), f"AWS was never asked for {action}"
        return running

    def started(self, *command: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Starts a command in a process group of its own."""
        with interrupts():
            return subprocess.Popen(
                [_command(command[0]), *command[1:]],
                cwd=CHECKOUT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )

    def strata(self, *arguments: str, **environment: str) -> Run:
        """Runs the strata command, in this process: to start another takes longer than most commands do."""
        with self._environment_here(**environment), mock.patch.object(workspace, "subprocess", _SYNTHESIZING):
            done = CliRunner().invoke(app, arguments)
        return Run(done.exit_code, done.stdout, done.stderr)

    def types(self, lines: str) -> None:
        """Has a shell take lines of the AWS CLI and of Strata apart, and does in this process what they say."""
        for program, *words in commands(lines):
            if program == "strata":
                done = self.strata(*words)
                assert done.code == 0, done.text[-6000:]
                continue
            with self._environment_here():
                parse(words).run()

    def put_back(self) -> Run:
        """Does what the ways back say, the lines before a deploy of all stacks, and returns what drift says then."""
        found = json.loads(self.strata("drift", "--json").stdout)["differences"]
        self.types("\n".join(line for one in found for line in one["undo"]))
        deploys = [word for one in found for word in one["deploy"].removeprefix("strata deploy ").split()]
        if deploys:
            self.strata("deploy", *dict.fromkeys(deploys), "--yes")
        return self.strata("drift")

    def cdktf(self, *arguments: str) -> Run:
        """Runs the cdktf command."""
        return self._run([_command("cdktf"), *arguments], {})

    def deployed_by_cdktf(self, *stacks: str) -> Run:
        """Deploys with `cdktf deploy`, which waits for nothing: again after an hour, where it met what passes then."""
        deployed = self.cdktf("deploy", *stacks, "--auto-approve")
        if deployed.code and PASSES.search(deployed.text):
            self.aws.wait_an_hour()
            deployed = self.cdktf("deploy", *stacks, "--auto-approve")
        return deployed

    def shell(self, command: str) -> Run:
        """Runs a command line that a message named."""
        return self._run(["sh", "-c", command], {})

    def bootstrap(self) -> None:
        """Does what comes before a first deploy: `strata bootstrap`, and Identity Center, which no API switches on."""
        self.make_room()
        bootstrapped = self.strata("bootstrap", "--yes")
        assert bootstrapped.code == 0, bootstrapped.text
        self.aws.switch_identity_center_on(self.region)

    def make_room(self) -> None:
        """Has AWS give the organization as much room as its configuration counts on."""
        from strata.load import load

        self.aws.order("organization", account_limit=load(self.config).project.aws_limits["accounts"].value)

    def make_external_groups(self) -> None:
        """Makes the groups that the configuration says come from elsewhere."""
        from strata.load import load
        from tests.aws.center import STORE

        landing_zone = load(self.config)
        store = self.aws.client("identitystore", self.region)
        for key, group in landing_zone.sso.groups.items():
            if group.external:
                store.create_group(IdentityStoreId=STORE, DisplayName=group.name or key)
        for user in landing_zone.users.values():
            if user.external:
                names = {"GivenName": "A", "FamilyName": "Visitor"}
                store.create_user(IdentityStoreId=STORE, UserName=user.user_name, DisplayName="A Visitor", Name=names)

    def unmanaged(self) -> list[str]:
        """Returns the addresses of accounts that the configuration leaves to others."""
        from strata.load import load

        return [str(entry) for entry in load(self.config).organization.unmanaged_accounts if "@" in str(entry)]

    def synth(self) -> None:
        """Writes the Terraform as cdktf has main.py write it, a second sooner: jsii runs already."""
        self.output.mkdir(exist_ok=True)
        synthesize(self.config, self.output, emulated=True)

    def terraform(self, stack: str, *arguments: str, **environment: str) -> Run:
        """Runs Terraform in the synthesized folder of one stack."""
        chdir = f"-chdir={self.output / 'stacks' / stack}"
        terraform = self.environment()["TERRAFORM_BINARY_NAME"]
        return self._run([terraform, chdir, *arguments], environment)

    def apply(self, stack: str) -> Run:
        """Applies one stack with Terraform alone; a test reads how it ended."""
        return self.terraform(stack, "apply", "-auto-approve")

    @contextlib.contextmanager
    def terraform_that_asks(self, stack: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Runs Terraform up to its question, at which it holds the lock, and has it killed if nobody answers."""
        variables = self.environment(TF_INPUT="1")
        process = subprocess.Popen(
            [variables["TERRAFORM_BINARY_NAME"], *arguments],
            cwd=self.output / "stacks" / stack,
            env=variables,
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

    def saved_state(self, stack: str) -> bytes:
        """Returns a stack's state as it lies in the bucket."""
        body: bytes = (
            self.client("s3").get_object(Bucket=self.bucket, Key=f"management/{stack}/terraform.tfstate")["Body"].read()
        )
        return body

    def save_state(self, stack: str, state: bytes) -> None:
        """Puts a state back, as if what came after it had never been saved."""
        key = f"management/{stack}/terraform.tfstate"
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=state)
        self.client("dynamodb").delete_item(TableName=TABLE, Key={"LockID": {"S": f"{self.bucket}/{key}-md5"}})

    def addresses(self, stack: str) -> set[str]:
        """Returns the addresses of the resources in a stack's state."""
        return set(self.state(stack))

    def client(self, service: str) -> Any:
        """Returns a boto3 client of the management account in the primary region."""
        return self.aws.client(service, self.region)

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Returns the accounts of the organization by e-mail address."""
        pages = self.client("organizations").get_paginator("list_accounts").paginate()
        return {account["Email"]: account for page in pages for account in page["Accounts"]}

    def units(self) -> dict[str, str]:
        """Returns the ids of the units below the root by name."""
        organizations = self.client("organizations")
        root = organizations.list_roots()["Roots"][0]["Id"]
        found = organizations.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
        return {unit["Name"]: unit["Id"] for unit in found}

    def open_account(self, email: str, parent: str = "") -> str:
        """Opens an account as somebody did by hand, years ago, and returns its id."""
        id = self.aws.open_account(email)
        if parent:
            organizations = self.client("organizations")
            root = organizations.list_roots()["Roots"][0]["Id"]
            organizations.move_account(AccountId=id, SourceParentId=root, DestinationParentId=parent)
        return id

    def locks(self) -> list[str]:
        """Returns every lock on the state that somebody still holds, in S3 or in the table."""
        objects = self.client("s3").list_objects_v2(Bucket=self.bucket).get("Contents", [])
        files = [found["Key"] for found in objects if found["Key"].endswith(".tflock")]
        table = self.client("dynamodb")
        rows = [
            row["LockID"]["S"]
            for name in table.list_tables()["TableNames"]
            for row in table.scan(TableName=name)["Items"]
            if "Info" in row
        ]
        return files + rows

    def wait_for_locks(self) -> None:
        """Waits until nobody holds a lock."""
        for _ in range(600):
            if not self.locks():
                return
            time.sleep(0.1)
        raise TimeoutError(f"still locked: {self.locks()}")

    @property
    def region(self) -> str:
        """The primary region."""
        from strata.load import load

        return str(load(self.config).project.regions.primary)

    @property
    def bucket(self) -> str:
        """The state bucket."""
        from strata.load import load

        return str(load(self.config).project.state_bucket)

    @contextlib.contextmanager
    def _environment_here(self, **more: str) -> Iterator[None]:
        variables = self.environment(**more)
        with mock.patch.dict(os.environ, variables, clear=True), contextlib.chdir(CHECKOUT):
            yield

    def _run(self, command: list[str], environment: Mapping[str, str], terminal: int = subprocess.DEVNULL) -> Run:
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=self.environment(**environment),
            stdin=terminal,
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
    calls: tuple[Recorded, ...]
    """What the provider called since the snapshot before."""

    @classmethod
    def of(cls, site: Site, kept: Path) -> Snapshot:
        """Keeps what there is now."""
        shutil.copytree(site.folder, kept, symlinks=True)
        return cls(site, site.aws.snapshot(), kept, tuple(site.aws.calls(by="provider")))

    @classmethod
    def once(cls, kept: Path, aws: Aws, provider: Provider, make: Callable[[], Site]) -> Snapshot:
        """Keeps what there is after something long, which the first worker of a run does that comes here."""
        with kept.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = kept.with_suffix(".aws")
            if not known.exists():
                made = cls.of(make(), kept)
                known.write_bytes(pickle.dumps((made.aws, made.calls)))
        state, calls = pickle.loads(known.read_bytes())  # noqa: S301  # written above
        return cls(Site(aws, provider, kept), state, kept, calls)

    def restored(self, folder: Path) -> Site:
        """Puts AWS back, and returns a copy of the site whose files may be changed."""
        self.site.aws.restore(self.aws)
        shutil.copytree(self.kept, folder, symlinks=True, dirs_exist_ok=True)
        site = Site(self.site.aws, self.site.provider, folder)
        site.sign_in_as_deployer()
        return site


def _main_here(command: list[str], *, env: Mapping[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
    """Does what main.py does; cdktf, and commands that are processes, start it."""
    from stacks import deployment

    built = functools.partial(deployment.build, outdir=Path(env["CDKTF_OUTDIR"]))  # jsii has the variables of its start
    with mock.patch.dict(os.environ, env, clear=True), mock.patch.object(deployment, "build", built):
        try:
            deployment.main()
        except SystemExit as refused:
            return subprocess.CompletedProcess(command, 1, "", f"{refused}\n")
    return subprocess.CompletedProcess(command, 0, "", "")


_SYNTHESIZING = SimpleNamespace(run=_main_here)


@functools.cache
def _policies(project: str) -> tuple[str, ...]:
    """Returns the policies of who deploys, by the text of project.yaml."""
    from strata.config.models import Project
    from strata.landing_zone.permissions import permissions

    read = Project.model_validate(yaml.load(project, yaml.CSafeLoader))
    return tuple(document.text for document in permissions(read).values())


def _command(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def below(process: int) -> dict[int, list[str]]:
    """Returns the command line of every process that one started, or that one of those did which it started."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True
    )
    found, above = dict[int, list[str]](), [process]
    lines = [line.split() for line in listed.stdout.splitlines()]
    for parent in above:
        found |= {int(pid): words for pid, ppid, *words in lines if int(ppid) == parent}
        above += [int(pid) for pid, ppid, *_ in lines if int(ppid) == parent]
    return found


def said_until(running: subprocess.Popen[str], words: str) -> None:
    """Reads what a command says until it says something."""
    assert running.stderr is not None
    for line in running.stderr:
        if words in line:
            return
    running.communicate()
    raise AssertionError(f"it never said {words!r}")


def ended(running: subprocess.Popen[str]) -> Run:
    """Waits for the end of a command, and returns it."""
    stdout, stderr = running.communicate(timeout=1200)
    return Run(running.returncode, stdout, stderr)
