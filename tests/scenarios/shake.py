"""Breaks deploys off at random moments, deploys again, and says what was lost, made twice or planned wrongly.

`make shake`, or `python -m tests.scenarios.shake --kills 40 --interrupts 10 --seed 1`. A seed says everything that is
left to chance, so a line of the output can be had again: `--only 17`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.aws import real_provider
from tests.aws.client import ACCOUNT, CHECKOUT, Aws, Recorded, emulated_aws
from tests.provider.trial import normal
from tests.scenarios.site import CONFIGURATIONS, STACKS, Provider, Run, Site, Snapshot, below

WORKS = ("first", "changes")
UNDOING = ("Detach", "Delete", "Remove", "Close", "Deregister", "Disable", "StopLogging")
KILLED = ("everything", "Strata", "Terraform")
RERUNS = 8
"""So many deploys in a row may be stopped by the lock that a killed one left."""
_SERVE = """
import json, sys, signal
from tests.provider.server import provider
with provider(sys.argv[1], {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}) as variables:
    print(json.dumps(variables), flush=True)
    signal.pause()
"""


@dataclass(frozen=True)
class Reference:
    """A deploy that nobody breaks off: where it begins, how long it takes, what it leaves and what it undoes."""

    begin: Snapshot
    seconds: float
    stacks: Mapping[str, float]
    """The seconds of each stack that has something to do."""
    inventory: Counter[str]
    undone: Counter[str]
    planned: frozenset[str]


def main(arguments: list[str] | None = None) -> int:
    """Runs the shake and prints a line for each seed; returns 1 where anything was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--interrupts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="the first one; each run has the next")
    parser.add_argument("--only", type=int, help="repeat the run of one seed")
    parser.add_argument("--real", action="store_true", help="with the real AWS provider")
    parser.add_argument("--configuration", choices=CONFIGURATIONS, default="shipped")
    parser.add_argument("--work", choices=WORKS, action="append", help="what is broken off; both by turns")
    parser.add_argument(
        "--stacks", nargs="+", default=[], help="these and none before them, which are deployed already"
    )
    parser.add_argument("--log", type=Path, default=Path(tempfile.gettempdir()) / "strata-shake")
    given = parser.parse_args(arguments)
    given.log.mkdir(parents=True, exist_ok=True)
    works = given.work or WORKS
    bad = 0
    with tempfile.TemporaryDirectory(prefix="strata-shake-") as name:
        folder = Path(name)
        with emulated_aws(folder / "aws.log") as aws, _provider(aws, folder, real=given.real) as provider:
            references = _references(aws, provider, folder, given.configuration, works, given.stacks)
            for number in range(given.kills + given.interrupts):
                seed = given.seed + number
                if given.only is None or given.only == seed:
                    work = works[seed % len(works)]
                    shake = Shake(seed, work, provider, given.stacks, interrupted=number >= given.kills)
                    bad += not shake.run(references[shake.work], folder / str(seed), given.log)
    print(f"bad: {bad}")
    return 1 if bad else 0


# Providers that die with Terraform


@dataclass
class Serving:
    """The provider of the runs: the real one is a child of Terraform, the stand-in a process that is killed with it."""

    aws: Aws
    variables: Mapping[str, str]
    process: subprocess.Popen[str] | None = None

    def __call__(self, _: Mapping[str, str]) -> Mapping[str, str]:
        """Returns what a command needs besides its environment."""
        return self.variables

    @classmethod
    def stand_in(cls, aws: Aws) -> Serving:
        """Starts the stand-in."""
        serving = cls(aws, {})
        serving.again()
        return serving

    def kill(self) -> None:
        """Kills the stand-in in the middle of what it does."""
        if self.process:
            self.process.kill()
            self.process.communicate()

    def again(self) -> None:
        """Starts the stand-in anew after it was killed."""
        if self.variables and not self.process:
            return
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, self.aws.url], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = json.loads(self.process.stdout.readline())
        self.variables = {"TERRAFORM_BINARY_NAME": real_provider.terraform(), **found}


@contextlib.contextmanager
def _provider(aws: Aws, folder: Path, *, real: bool) -> Iterator[Serving]:
    if real:
        found = real_provider.find(os.environ.get("STRATA_PROVIDER_MIRROR", "search"), _Forgetful())
        yield Serving(aws, found.environment(folder / "provider", real_provider.terraform()))
        return
    serving = Serving.stand_in(aws)
    try:
        yield serving
    finally:
        serving.kill()


class _Forgetful:
    def get(self, key: str, default: str | None) -> str | None:
        return default

    def set(self, key: str, value: str) -> None:
        pass


# Deploys that nobody breaks off


def _references(
    aws: Aws, provider: Provider, folder: Path, configuration: str, works: Sequence[str], stacks: Sequence[str]
) -> dict[str, Reference]:
    site = Site.of(aws, provider, CONFIGURATIONS[configuration], folder / "site")
    site.bootstrap()
    site.make_external_groups()
    for address in site.unmanaged():
        site.open_account(address)
    numbers = [STACKS.index(stack) for stack in stacks]
    before, needed = (STACKS[: min(numbers)], STACKS[: max(numbers) + 1]) if stacks else ((), ())
    if before and "first" in works:
        _done(site.strata("deploy", *before, "--yes"))
    found = {"first": _reference(site, stacks, folder / "first")} if "first" in works else {}
    if "changes" in works:
        if not found:
            _done(site.strata("deploy", *needed, "--yes"))
        _edit(site)
        found["changes"] = _reference(site, stacks, folder / "changes")
    return found


def _reference(site: Site, stacks: Sequence[str], kept: Path) -> Reference:
    begin = Snapshot.of(site, kept)
    planned, since = _planned(site, stacks), len(site.aws.calls())
    started = time.monotonic()
    deployed = json.loads(_done(site.strata("deploy", *stacks, "--yes", "--json")).stdout)
    seconds = time.monotonic() - started
    print(f"{kept.name}: {seconds:.0f} s when nobody breaks it off", flush=True)
    took = {stack["stack"]: stack["seconds"] for stack in deployed["stacks"] if stack["counts"]}
    return Reference(begin, seconds, took, inventory(site), _undone(site.aws.calls(since=since)), planned)


def _done(run: Run) -> Run:
    assert run.code == 0, run.text[-4000:]
    return run


def _edit(site: Site) -> None:
    """Edits a deployed configuration in every way that an operator does in one day."""
    from ruamel.yaml import YAML

    yaml = YAML()
    organization = yaml.load(site.config / "organization.yaml")
    units = list(organization["organizational_units"])
    organization["organizational_units"]["sandboxes"] = {"name": "sandboxes"}
    organization["accounts"]["sandbox"] = {"email": "aws+sandbox@example.com", "organizational_unit": "sandboxes"}
    organization["accounts"]["lab"] = {"email": "aws+lab@example.com", "organizational_unit": units[0]}
    organization["accounts"]["shared"]["organizational_unit"] = "sandboxes"
    for policy in organization["policies"].values():
        policy["description"] = "Changed."
        if policy["type"] == "SERVICE_CONTROL_POLICY":
            policy["targets"].setdefault("organizational_units", []).append("sandboxes")
    yaml.dump(organization, site.config / "organization.yaml")

    sso = yaml.load(site.config / "sso.yaml")
    for number in range(3):
        person = {"given_name": "Kim", "family_name": f"Berg{number}", "email": f"kim{number}@example.com"}
        sso["users"][f"kim{number}"] = person
    sso["groups"]["builders"] = {"description": "Builds.", "members": ["kim0", "kim1", "kim2"]}
    for group in sso["groups"].values():
        if not group.get("external"):
            group["description"] = "Changed."
            group.setdefault("members", [])
            group["members"] += [key for key in ("kim0", "kim1") if key not in group["members"]]
    for permission_set in sso["permission_sets"].values():
        permission_set["session_duration"] = "PT3H"
        permission_set.setdefault("policies", []).append({"aws": "AWSSupportAccess"})
    sso["permission_sets"]["Builder"] = {
        "policies": [
            {"aws": "PowerUserAccess"},
            {"aws": "IAMReadOnlyAccess"},
            {"customer": "Building"},
            {"inline": "policies/devops.json"},
        ],
        "boundary": {"customer": "Boundary"},
    }
    sso["assignments"].append({"permission_sets": ["Builder"], "groups": ["builders"], "accounts": "all"})
    yaml.dump(sso, site.config / "sso.yaml")

    security = yaml.load(site.config / "security.yaml")
    if "limit_usd" in (security.get("budget") or {}):
        security["budget"]["limit_usd"] = 777
    yaml.dump(security, site.config / "security.yaml")


# One run that is broken off


class Shake:
    """One deploy that is broken off, and all that comes after it."""

    def __init__(self, seed: int, work: str, provider: Serving, stacks: Sequence[str], *, interrupted: bool) -> None:
        self.seed, self.work, self.provider, self.interrupted = seed, work, provider, interrupted
        self.stacks = stacks
        self.chance = random.Random(seed)  # noqa: S311  # chance that can be had again
        self.said: list[str] = []
        self.faults: list[str] = []

    def run(self, reference: Reference, folder: Path, log: Path) -> bool:
        """Breaks off, deploys again, and compares; prints a line, and keeps what was said where that was bad."""
        site = reference.begin.restored(folder)
        since = len(site.aws.calls())
        how = self._break_off(site, reference)
        if self.seed % 4 == 0:
            self._expect_nothing_undone(_planned(site, self.stacks) - reference.planned, "planned")
        reruns = self._deploy(site, reference)
        planned = site.strata("plan", *self.stacks, "--exit-code")
        if planned.code:
            self._bad(f"the plan after it is not empty: {planned.stdout[-600:]}")
        made = inventory(site)
        if made != reference.inventory:
            self._bad(f"twice: {dict(made - reference.inventory)}, missing: {dict(reference.inventory - made)}")
        undone = _undone(site.aws.calls(since=since))
        self._expect_nothing_undone(undone.keys() - reference.undone.keys(), "done")
        # A plan without changes takes no lock, so that of a killed run may stay: the plan says how to free it.
        if locks := site.locks():
            how += f"; the lock stays: {len(locks)}"
            for command in re.findall(r"free it: (.*)", planned.stderr):
                site.shell(command)
            if site.locks():
                self._bad(f"no command of the plan frees {site.locks()}: {planned.stderr[-400:]}")
        end = "good" if not self.faults else "; ".join(self.faults)
        print(f"seed {self.seed}: {self.work}, {how}; {reruns} reruns; {end}", flush=True)
        if self.faults:
            said = [*self.said, planned.text, site.aws.trace()]
            (log / f"{self.seed}.txt").write_text("\n=====\n".join(said))
        return not self.faults

    def _bad(self, fault: str) -> None:
        self.faults.append(fault)

    def _expect_nothing_undone(self, undone: Any, when: str) -> None:
        if undone:
            self._bad(f"undone, {when}: {sorted(undone)}")

    def _break_off(self, site: Site, reference: Reference) -> str:
        """Starts a deploy, waits, and breaks it off; returns how.

        Four times of five something is being applied then: most of a run is plans, which change nothing.
        """
        stack = self.chance.choice([*reference.stacks] * 4 + [""] * len(reference.stacks))
        after = self.chance.random() * (reference.stacks[stack] + 0.3 if stack else reference.seconds)
        twice, killed = self.chance.random() < 0.6, self.chance.choice(KILLED)
        running = site.started("strata", "deploy", *self.stacks, "--yes", stderr=subprocess.STDOUT)
        said = _until(running, f"{stack}: deploying") if stack else ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(after)
        if running.poll() is not None:
            how = "over before"
        elif self.interrupted:
            how = self._interrupt(running, twice=twice)
        else:
            how = f"{killed} killed"
            at_work = below(running.pid)
            terraform = [id for id, words in at_work.items() if Path(words[0]).name == "terraform"]
            self._kill({"Strata": [running.pid], "Terraform": terraform}.get(killed, [running.pid, *at_work]))
            if killed == "everything":
                self.provider.kill()
        said += running.communicate()[0]
        if how == "everything killed":
            self.provider.again()
        self.said.append(said)
        last = (said.strip().splitlines() or [""])[-1]
        return f"{how} after {after:.2f} s of {stack or 'all'} ({last[:80]!r})"

    def _interrupt(self, running: subprocess.Popen[str], *, twice: bool) -> str:
        os.killpg(running.pid, signal.SIGINT)
        if twice:
            time.sleep(self.chance.uniform(0.3, 2.0))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGINT)
        return "Ctrl-C twice" if twice else "Ctrl-C"

    def _kill(self, processes: list[int]) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _deploy(self, site: Site, reference: Reference) -> int:
        """Deploys until it is done; only a lock may stop it, which is freed as the message says."""
        for number in range(1, RERUNS + 1):
            run = site.strata("deploy", *self.stacks, "--yes")
            self.said.append(run.stdout + run.stderr)
            self._expect_nothing_undone(_shown(run) - reference.planned, "planned by a rerun")
            if not run.code:
                return number
            command = re.search(r"free it: (.*)", run.stderr)
            if not command:
                self._bad(f"a rerun ended with {run.code}: {run.stderr[-400:]}")
            elif _is_held(site):
                time.sleep(5)
            else:
                site.shell(command[1])
        self._bad("never done")
        return RERUNS


def _until(running: subprocess.Popen[str], words: str) -> str:
    """Returns what a command says until it says something."""
    said = ""
    assert running.stdout is not None
    for line in running.stdout:
        said += line
        if words in line:
            break
    return said


def _is_held(site: Site) -> bool:
    """Says whether a Terraform that was left alone still runs."""
    listed = subprocess.run(["ps", "-A", "-o", "args="], stdout=subprocess.PIPE, text=True, check=True).stdout
    return any(str(site.output) in line and "-chdir" in line for line in listed.splitlines())


def _planned(site: Site, stacks: Sequence[str]) -> frozenset[str]:
    """Returns what `strata plan` says would be replaced or deleted."""
    planned = site.strata("plan", *stacks, "--json")
    if not planned.stdout.startswith("{"):
        return frozenset({f"no plan: {planned.text[-300:]}"})
    return frozenset(
        f"{change['action']} {change['address']}"
        for stack in json.loads(planned.stdout).get("stacks", ())  # none beside a Terraform that nobody killed
        for change in stack["changes"]
        if change["action"] in ("replace", "delete")
    )


def _shown(run: Run) -> frozenset[str]:
    """Returns what a deploy showed that would be replaced or deleted."""
    return frozenset(" ".join(found) for found in re.findall(r"^  (replace|delete) +(\S+)", run.stdout, re.MULTILINE))


def _undone(calls: list[Recorded]) -> Counter[str]:
    """Returns the calls that took something away, but for locks and temporary objects of Terraform's."""
    return Counter(
        f"{call.action} {json.dumps(normal(call.parameters), sort_keys=True)}"
        for call in calls
        if call.caller in ("provider", "strata")
        and call.action.partition(":")[2].startswith(UNDOING)
        and call.outcome.startswith("2")
        and not call.action.startswith("dynamodb:")
    )


# Everything that a deploy makes in AWS, by kind and name: two of one kind and name are one too many


_POLICY_TYPES = (
    "SERVICE_CONTROL_POLICY",
    "RESOURCE_CONTROL_POLICY",
    "TAG_POLICY",
    "BACKUP_POLICY",
    "AISERVICES_OPT_OUT_POLICY",
    "DECLARATIVE_POLICY_EC2",
)


def inventory(site: Site) -> Counter[str]:
    """Returns how often AWS has something of each kind and name."""
    from strata.load import load

    regions = load(site.config).project.regions
    found = Counter([*_organization(site), *_identity_center(site), *_global(site)])
    for region in sorted({*regions.governed, regions.primary, regions.secondary} - {None}):
        found.update(f"{region}: {one}" for one in _of_region(site, str(region)))
    return found


def _organization(site: Site) -> Iterator[str]:
    client = site.client("organizations")
    roots = client.list_roots()["Roots"]
    if not roots:
        return
    names = {root["Id"]: "root" for root in roots}
    waiting = list(names)
    for parent in waiting:
        for unit in _all(client, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=parent):
            names[unit["Id"]] = f"{names[parent]}/{unit['Name']}"
            waiting.append(unit["Id"])
    for parent in waiting:
        for account in _all(client, "list_accounts_for_parent", "Accounts", ParentId=parent):
            names[account["Id"]] = account["Email"]
            yield f"account {account['Email']} in {names[parent]}"
    yield from (f"unit {name}" for name in names.values() if name.startswith("root"))
    for type in _POLICY_TYPES:
        for policy in _all(client, "list_policies", "Policies", Filter=type):
            yield f"policy {policy['Name']}"
            for target in _all(client, "list_targets_for_policy", "Targets", PolicyId=policy["Id"]):
                yield f"policy {policy['Name']} on {names.get(target['TargetId'], target['TargetId'])}"
    for administrator in _all(client, "list_delegated_administrators", "DelegatedAdministrators"):
        services = client.list_delegated_services_for_account(AccountId=administrator["Id"])["DelegatedServices"]
        yield from (f"administrator {administrator['Email']} of {one['ServicePrincipal']}" for one in services)


def _identity_center(site: Site) -> Iterator[str]:
    store = site.client("identitystore")
    instances = site.client("sso-admin").list_instances()["Instances"]
    if not instances:
        return
    there = {"IdentityStoreId": instances[0]["IdentityStoreId"]}
    names = {user["UserId"]: user["UserName"] for user in _all(store, "list_users", "Users", **there)}
    yield from (f"user {name}" for name in names.values())
    for group in _all(store, "list_groups", "Groups", **there):
        names[group["GroupId"]] = group["DisplayName"]
        yield f"group {group['DisplayName']}"
        for member in _all(store, "list_group_memberships", "GroupMemberships", GroupId=group["GroupId"], **there):
            yield f"member {names[member['MemberId']['UserId']]} of {group['DisplayName']}"
    yield from _permission_sets(site, names)


def _permission_sets(site: Site, names: Mapping[str, str]) -> Iterator[str]:
    admin = site.client("sso-admin")
    arn = {"InstanceArn": admin.list_instances()["Instances"][0]["InstanceArn"]}
    emails = {account["Id"]: account["Email"] for account in site.accounts().values()}
    for one in _all(admin, "list_permission_sets", "PermissionSets", **arn):
        asked = {**arn, "PermissionSetArn": one}
        name = admin.describe_permission_set(**asked)["PermissionSet"]["Name"]
        yield f"permission set {name}"
        for policy in _all(admin, "list_managed_policies_in_permission_set", "AttachedManagedPolicies", **asked):
            yield f"policy {policy['Arn']} of {name}"
        operation = "list_customer_managed_policy_references_in_permission_set"
        for policy in _all(admin, operation, "CustomerManagedPolicyReferences", **asked):
            yield f"customer policy {policy['Name']} of {name}"
        if admin.get_inline_policy_for_permission_set(**asked).get("InlinePolicy"):
            yield f"inline policy of {name}"
        try:
            admin.get_permissions_boundary_for_permission_set(**asked)
            yield f"boundary of {name}"
        except admin.exceptions.ResourceNotFoundException:
            pass
        for account, email in emails.items():
            for given in _all(admin, "list_account_assignments", "AccountAssignments", AccountId=account, **asked):
                yield f"assignment {name} for {names.get(given['PrincipalId'], given['PrincipalId'])} in {email}"


def _global(site: Site) -> Iterator[str]:
    iam, ce, budgets = site.client("iam"), site.client("ce"), site.client("budgets")
    yield from (f"bucket {bucket['Name']}" for bucket in site.client("s3").list_buckets()["Buckets"])
    yield from (f"table {name}" for name in site.client("dynamodb").list_tables()["TableNames"])
    for role in _all(iam, "list_roles", "Roles"):
        yield f"role {role['RoleName']}"
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            yield f"policy {name} of role {role['RoleName']}"
        for policy in iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]:
            yield f"policy {policy['PolicyName']} of role {role['RoleName']}"
    for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        yield f"provider {provider['Arn']}"
    yield from (f"budget {one['BudgetName']}" for one in budgets.describe_budgets(AccountId=ACCOUNT).get("Budgets", ()))
    yield from (f"monitor {one['MonitorName']}" for one in ce.get_anomaly_monitors()["AnomalyMonitors"])
    for one in ce.get_anomaly_subscriptions()["AnomalySubscriptions"]:
        yield f"subscription {one['SubscriptionName']}"


def _of_region(site: Site, region: str) -> Iterator[str]:
    trails = site.aws.client("cloudtrail", region).describe_trails(includeShadowTrails=False)["trailList"]
    yield from (f"trail {trail['Name']}" for trail in trails)
    analyzers = site.aws.client("accessanalyzer", region).list_analyzers()["analyzers"]
    yield from (f"analyzer {analyzer['name']}" for analyzer in analyzers)
    kms, sns, events = (site.aws.client(service, region) for service in ("kms", "sns", "events"))
    yield from ("key" for _ in kms.list_keys()["Keys"])
    yield from (f"alias {alias['AliasName']}" for alias in kms.list_aliases()["Aliases"])
    for topic in sns.list_topics()["Topics"]:
        yield f"topic {topic['TopicArn']}"
        for one in sns.list_subscriptions_by_topic(TopicArn=topic["TopicArn"])["Subscriptions"]:
            yield f"{one['Endpoint']} of {topic['TopicArn']}"
    for rule in events.list_rules()["Rules"]:
        yield f"rule {rule['Name']}"
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            yield f"target {target['Id']} of {rule['Name']}"


def _all(client: Any, operation: str, key: str, **asked: Any) -> Iterator[Any]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**asked):
            yield from page[key]
    else:
        yield from getattr(client, operation)(**asked)[key]


if __name__ == "__main__":
    sys.exit(main())
