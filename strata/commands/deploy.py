"""`strata deploy`: checks, plans and applies the stacks in order, and never calls a run that did not finish a success.

Plain `cdktf deploy` applies the same Terraform. Here is what only a command that looks before, during and after can do.
"""

from __future__ import annotations

import json as json_module
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from strata.commands import bootstrap
from strata.commands.deploy_errors import explained, failures
from strata.commands.recovery import adopt_what_exists, drop_digests, provision_permission_sets, untaint
from strata.config import LandingZone, load
from strata.config.models import Locking, state_key
from strata.config.types import did_you_mean
from strata.errors import ConfigurationError, StrataError
from strata.session import Aws, AwsError, Client, connect, emulator, paginate
from strata.terminal import confirmed, interactive
from strata.workspace import Result, Workspace

if TYPE_CHECKING:
    from strata.cli import Options

DIFFERS = 3
ACCOUNT = "aws_organizations_account"
ACTIONS = ("imported", "added", "changed", "destroyed", "forgotten")
NOT_YET = "not plannable before"
MAX_ADOPTIONS = 3
"""How often a stack is applied again after things that exist already were imported."""


@dataclass
class Outcome:
    """How one stack ended."""

    stack: str
    status: str
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


def run(options: Options, *, stacks: Sequence[str], plan: bool, exit_code: bool, json: bool, yes: bool) -> int:
    """Deploys, or shows what a deploy would change."""
    landing_zone = load(options.config)
    if not emulator() and (faults := list(bootstrap.placeholders(landing_zone))):
        raise ConfigurationError(faults)
    aws = connect(options, landing_zone.project)
    workspace = Workspace.of(options.config, options.profile)
    options.note("writing the Terraform")
    workspace.synth()
    chosen = _chosen(workspace, stacks)
    _check_account(aws, landing_zone, needs_sign_in="sso" in chosen)
    for warning in replacements(aws, landing_zone) if "sso" in chosen else ():
        print(f"warning: {warning}", file=sys.stderr)
    if plan:
        return _plan(options, workspace, chosen, exit_code=exit_code, json=json)
    # Somebody at a terminal sees the plan first; a pipeline has said what it wants by calling this.
    if interactive() and not yes and not json:
        if _plan(options, workspace, chosen, exit_code=False, json=False):
            return 1
        if not confirmed(f"deploy {', '.join(chosen)} to account {landing_zone.project.management_account.id}?"):
            options.note("nothing was changed")
            return 1
    return Deployment(options, landing_zone, aws, workspace).run(chosen, json=json)


def _chosen(workspace: Workspace, stacks: Sequence[str]) -> list[str]:
    """Returns the stacks to deploy in their order, all when none is named."""
    for stack in stacks:
        if stack not in workspace.stacks:
            guess = did_you_mean(stack, workspace.stacks)
            raise StrataError(f"there is no stack {stack!r}{guess}; there are {', '.join(workspace.stacks)}")
    return [stack for stack in workspace.stacks if not stacks or stack in stacks]


def _check_account(aws: Aws, landing_zone: LandingZone, *, needs_sign_in: bool) -> None:
    """Refuses what would fail half way: the wrong account, no bootstrap, Identity Center off or elsewhere."""
    bootstrap.management_caller(aws, landing_zone.project)
    findings, refusals = bootstrap.look(aws, landing_zone)
    lacking = [f"{finding.thing} ({', '.join(finding.lacks)})" for finding in findings if finding.lacks]
    if lacking:
        refusals.append(f"not there yet: {'; '.join(lacking)}; run strata bootstrap first")
    if needs_sign_in and not refusals:
        refusals += identity_center_refusals(aws, landing_zone)
    if refusals:
        raise StrataError(*refusals)


def identity_center_refusals(aws: Aws, landing_zone: LandingZone) -> list[str]:
    """Returns why the `sso` stack cannot be deployed; its own postcondition is the last to say so."""
    project = landing_zone.project
    region, client = project.identity_center_region, aws.client("sso-admin", project.identity_center_region)
    try:
        owners = list(paginate(client, "list_instances", "Instances[].OwnerAccountId"))
    except AwsError as error:
        return [str(error)]
    if project.management_account.id in owners:
        return []
    refusal = (
        f"IAM Identity Center is not enabled in {region}, and AWS has no call for it; enable it in the console, "
        f"https://{region}.console.aws.amazon.com/singlesignon/home?region={region}, or set identity_center.region in "
        "project.yaml to where it is; the other stacks: strata deploy backend organizations security"
    )
    if owners:
        refusal = (
            f"Identity Center in {region} is an account instance of {', '.join(owners)}, not the organization's; "
            "delete it and enable Identity Center in the management account"
        )
    return [refusal]


def replacements(aws: Aws, landing_zone: LandingZone) -> Iterator[str]:
    """Yields what an edit of a name would replace, or would not change at all."""
    live = {
        (resource["type"], resource["name"]): instance["attributes"]
        for resource in read_state(aws, landing_zone, "sso").get("resources", ())
        for instance in resource.get("instances", ())
    }
    for key, permission_set in sorted(landing_zone.sso.permission_sets.items()):
        attributes = live.get(("aws_ssoadmin_permission_set", key))
        name = permission_set.name or key
        if attributes and attributes["name"] != name:
            yield (
                f"the name of permission set {key} changes from {attributes['name']!r} to {name!r}: AWS cannot rename "
                "one, so it and its assignments are replaced, and its sessions end"
            )
    for key, user in sorted(landing_zone.sso.users.items()):
        attributes = live.get(("aws_identitystore_user", key))
        if attributes and user.user_name and attributes["user_name"] != user.user_name:
            yield (
                f"the user name of {key} stays {attributes['user_name']!r}: a new one would delete the person with "
                "password, MFA and assignments; to do that on purpose, give the user another key"
            )


def read_state(aws: Aws, landing_zone: LandingZone, stack: str) -> dict[str, Any]:
    """Returns the state of a stack from the bucket, empty before its first deploy."""
    project = landing_zone.project
    try:
        answer = aws.client("s3", project.regions.primary).get_object(
            Bucket=project.state_bucket,
            Key=state_key(stack),
            ExpectedBucketOwner=project.management_account.id,
        )
    except AwsError as error:
        if error.code in ("NoSuchKey", "NoSuchBucket", "404"):
            return {}
        raise
    state: dict[str, Any] = json_module.loads(answer["Body"].read())
    return state


# Applying


@dataclass
class Deployment:
    """One run of `strata deploy`."""

    options: Options
    landing_zone: LandingZone
    aws: Aws
    workspace: Workspace

    def run(self, stacks: Sequence[str], *, json: bool) -> int:
        """Applies the stacks in order and stops at the first that does not finish."""
        self._check_producers(stacks)
        states = {stack: read_state(self.aws, self.landing_zone, stack) for stack in stacks}
        self._check_accounts(states)
        outcomes = self._apply(states)
        succeeded = all(outcome.status == "applied" for outcome in outcomes)
        if succeeded and "sso" in stacks:
            provision_permission_sets(self.aws, self.landing_zone, self.options.note)
        outputs = self._outputs(stacks) if succeeded else {}
        if json:
            print(json_module.dumps({"stacks": [asdict(o) for o in outcomes], "outputs": outputs}, indent=2))
        else:
            _print_summary(outcomes, outputs)
        return 0 if succeeded else 1

    def _check_producers(self, stacks: Sequence[str]) -> None:
        """Stops when a stack that is read from, but not deployed now, has changes or was never deployed."""
        left_out = [
            s
            for s in self.workspace.stacks
            if s not in stacks and any(s in self.workspace.producers(c) for c in stacks)
        ]
        for producer in left_out:
            self.options.note(f"{producer}: looking for changes, because {', '.join(stacks)} reads from it")
            if not read_state(self.aws, self.landing_zone, producer):
                raise StrataError(f"{producer} was never deployed; run strata deploy {producer} {' '.join(stacks)}")
            changes = plan_stack(self.workspace, producer)
            if changes.error:
                raise StrataError(f"{producer} cannot be planned: {changes.error}")
            if changes.count:
                raise StrataError(
                    f"{producer} has {changes.count} changes that are not deployed; nothing was changed; "
                    f"run strata deploy {producer} {' '.join(stacks)}"
                )

    def _check_accounts(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Stops when an account would be removed from the organization because its entry is gone.

        The stack's own guard cannot see it where the account moved to unmanaged_accounts in the same edit.
        """
        for stack, state in states.items():
            document = self.workspace.document(stack)
            kept = {f"{ACCOUNT}.{key}" for key in document.get("resource", {}).get(ACCOUNT, {})}
            kept |= {block["from"] for block in document.get("removed", ())}
            resources = state.get("resources", ())
            had = {f"{ACCOUNT}.{r['name']}" for r in resources if r["type"] == ACCOUNT and r["instances"]}
            if gone := sorted(had - kept):
                keys = ", ".join(address.partition(".")[2] for address in gone)
                raise StrataError(
                    f"accounts that are deployed and no longer declared: {keys}; Terraform would remove them from the "
                    "organization; nothing was changed; put the entries back with retired: true, deploy, and only then "
                    "drop them or list them under unmanaged_accounts"
                )

    def _apply(self, states: Mapping[str, Mapping[str, Any]]) -> list[Outcome]:
        if self.landing_zone.project.state.locking is Locking.S3:
            drop_digests(self.aws, self.landing_zone, list(states))
        for stack, state in states.items():
            if self.workspace.backend_differs(stack):  # cdktf initializes too, but Terraform asks then
                self.workspace.initialize(stack)
            untaint(self.workspace, stack, state, self.options.note)
        done: dict[str, Outcome] = {}
        tries = Counter[str]()
        while left := [stack for stack in states if stack not in done]:
            heard = Heard(left, self.options)
            code = self._cdktf(left, heard)
            heard.look_again()
            done |= heard.applied
            if (unfinished := next((stack for stack in left if stack not in done), None)) is None:
                if code:
                    self.options.note(f"warning: cdktf ended with {code} after everything was applied")
                break
            result = Result(code, heard.text(unfinished))
            tries[unfinished] += 1
            if tries[unfinished] > MAX_ADOPTIONS or not adopt_what_exists(
                self.workspace, unfinished, failures(result.text), self._identity_center, self.options.note
            ):
                self._report(unfinished, result)
                done[unfinished] = Outcome(unfinished, "failed", heard.since_the_last())
                break
        return [done.get(stack) or Outcome(stack, "not started") for stack in states]

    def _identity_center(self, service: str) -> Client:
        return self.aws.client(service, self.landing_zone.project.identity_center_region)

    def _cdktf(self, stacks: Sequence[str], heard: Heard) -> int:
        return self.workspace.cdktf(
            "deploy",
            *stacks,
            "--auto-approve",
            "--skip-synth",
            "--ignore-missing-stack-dependencies",
            # One after the other, so that nothing else is under way when one fails.
            "--parallelism",
            "1",
            # Identity Center answers about 20 calls a second and refuses more than 10 assignments under way.
            *(("--terraform-parallelism", "8") if "sso" in stacks else ()),
            heard=heard,
        ).code

    def _report(self, stack: str, result: Result) -> None:
        found = failures(result.text)
        for failure in found:
            print(f"error: {stack}: {failure.text}", file=sys.stderr)
        for advice in explained(self.workspace, stack, found, result):
            print(f"  {advice}", file=sys.stderr)

    def _outputs(self, stacks: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for stack in stacks:
            outputs = read_state(self.aws, self.landing_zone, stack).get("outputs", {})
            found |= {name: output["value"] for name, output in outputs.items() if not output.get("sensitive")}
        return dict(sorted(found.items()))


class Heard:
    """What cdktf passes on of each stack, told apart by the name it puts before the first of some lines."""

    def __init__(self, stacks: Sequence[str], options: Options) -> None:
        self.applied: dict[str, Outcome] = {}
        self._options = options
        self._lines: dict[str, list[str]] = {stack: [] for stack in stacks}
        self._speaker = stacks[0]
        self._last = time.monotonic()
        options.note(f"{stacks[0]}: deploying")

    def __call__(self, line: str) -> None:
        """Takes one line: it is progress, the end of a stack, or kept in case the stack fails."""
        name, gap, rest = line.partition("  ")
        if gap and name in self._lines:
            self._speaker, line = name, rest
        stack, text = self._speaker, line.strip()
        self._lines[stack].append(line)
        if counts := applied(text):
            self._finish(stack, counts)
        if self._options.verbose:
            self._options.note(f"{stack}: {text}")
        elif step := re.match(
            r"(\S+)(?: \(\S+\))?: (Creating|Modifying|Destroying|Importing|Still \w+|Preparing import)\b", text
        ):
            self._options.note(f"{stack}: {step[2].lower()} {step[1]}")

    def _finish(self, stack: str, counts: dict[str, int]) -> None:
        self.applied[stack] = Outcome(stack, "applied", self.since_the_last(), counts)
        self._last = time.monotonic()
        if waiting := self._waiting():
            self._options.note(f"{waiting[0]}: deploying")

    def _waiting(self) -> list[str]:
        return [stack for stack in self._lines if stack not in self.applied]

    def look_again(self) -> None:
        """Finds the ends of stacks that no single line told of."""
        for stack in self._waiting():
            if counts := applied(self.text(stack)):
                self._finish(stack, counts)

    def text(self, stack: str) -> str:
        """Returns all that was said of a stack."""
        return "\n".join(self._lines[stack])

    def since_the_last(self) -> float:
        """Returns the seconds since the last stack finished."""
        return round(time.monotonic() - self._last, 1)


def applied(text: str) -> dict[str, int] | None:
    """Returns what an apply did, None unless Terraform says that it finished: cdktf may end with 0 all the same.

    White space does not count, because cdktf may break a line in two.
    """
    said = re.search(r"Applycomplete!Resources:([\w,]+)\.", "".join(text.split()))
    return {action: int(number) for number, action in re.findall(r"(\d+)([a-z]+)", said[1])} if said else None


def _print_summary(outcomes: Sequence[Outcome], outputs: dict[str, Any]) -> None:
    width = max(len(outcome.stack) for outcome in outcomes)
    for outcome in outcomes:
        did = [f"{outcome.counts[action]} {action}" for action in ACTIONS if outcome.counts.get(action)]
        what = ", ".join(did) or "no changes" if outcome.status == "applied" else outcome.status
        took = f"  {outcome.seconds:.1f} s" if outcome.seconds else ""
        print(f"{outcome.stack:<{width}}  {what}{took}")
    if outputs.get("portal_url"):
        print(f"sign in at {outputs['portal_url']}")
    for key, account_id in sorted((outputs.get("account_ids") or {}).items()):
        print(f"  {account_id}  {key}")


# Planning


@dataclass(frozen=True)
class Changes:
    """What a plan of one stack would do, or why there is none."""

    stack: str
    changes: tuple[tuple[str, str], ...] = ()
    error: str | None = None

    @property
    def count(self) -> int:
        """Returns how many resources would change."""
        return len(self.changes)


def plan_stack(workspace: Workspace, stack: str) -> Changes:
    """Plans one stack; applies nothing."""
    initialized = workspace.initialize(stack)
    result, shown = (initialized, {}) if initialized.code else workspace.plan(stack)
    if result.code:
        return Changes(stack, error=_why_not(workspace, stack, result))
    return Changes(stack, tuple(sorted(_changes(shown))))


def _why_not(workspace: Workspace, stack: str, result: Result) -> str:
    if "Unable to find remote state" in result.text:
        named = re.search(r"cross-stack-reference-input-([\w-]+)", result.text)
        return f"{NOT_YET} {named[1] if named else ' and '.join(workspace.stacks[stack])} is applied"
    found = failures(result.text)
    return "; ".join(failure.text for failure in found) or result.text.strip()[-300:]


def _changes(shown: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for change in shown.get("resource_changes", ()):
        actions, address = change["change"]["actions"], change["address"]
        if change["mode"] != "managed":
            continue
        if change["change"].get("importing"):
            yield address, "import" if actions == ["no-op"] else "import and update"
        elif actions in (["delete", "create"], ["create", "delete"]):
            yield address, "replace"
        elif actions not in (["no-op"], ["read"]):
            yield address, actions[0]
    for name, change in shown.get("output_changes", {}).items():
        if change["actions"] != ["no-op"]:
            yield f"output.{name}", change["actions"][0]


def _plan(options: Options, workspace: Workspace, stacks: Sequence[str], *, exit_code: bool, json: bool) -> int:
    plans: list[Changes] = []
    for stack in stacks:
        options.note(f"{stack}: planning")
        plans.append(plan_stack(workspace, stack))
    if json:
        print(
            json_module.dumps(
                [{"stack": p.stack, "changes": dict(p.changes), "error": p.error} for p in plans], indent=2
            )
        )
    else:
        for planned in plans:
            number = f"{planned.count} changes" if planned.count else "no changes"
            print(f"{planned.stack}: {planned.error or number}")
            for address, action in planned.changes:
                print(f"  {action:<18}{address}")
    if any(planned.error and not planned.error.startswith(NOT_YET) for planned in plans):
        return 1
    differs = any(planned.count or planned.error for planned in plans)
    return DIFFERS if exit_code and differs else 0
