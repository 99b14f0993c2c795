"""`strata selftest --try`: throw-away things in the management account, whether AWS refuses what Strata relies on.

All are named `strata-selftest-` and eight digits, and nothing else is written or deleted. They are removed at the end;
what a run that was killed leaves, the next one removes first.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

from strata.aws import organization
from strata.aws.identity_center import CenterClient
from strata.aws.session import Aws, AwsError, asked_at_once
from strata.aws.states import stacks_in
from strata.commands.selftest.outcomes import Outcome, Selftest
from strata.config.models import Project
from strata.errors import Message, StrataError
from strata.options import Options
from strata.terminal import confirmed, require_terminal

OURS = re.compile(r"strata-selftest-[0-9a-f]{8}")
_MADE_BY = "Made by strata selftest --try, which removes it"
_LOCK = "lock"
_AT_ONCE = 8
_SCP = "SERVICE_CONTROL_POLICY"
_INSTEAD = "docs/first-real-run.md"


def check_asked(*, yes: bool) -> None:
    """Accepts a run that nobody has to be asked about, or where somebody can be.

    Raises:
        UsageError: nobody can.
    """
    if not yes:
        require_terminal(_INSTEAD)


def try_everything(looked: Selftest, options: Options, aws: Aws, project: Project, *, yes: bool, beside: bool) -> bool:
    """Makes, tries and removes, after asking; False where somebody said no.

    Raises:
        StrataError: a state of Strata is in use, or AWS rejects a call that shows what is there.
    """
    if not beside:
        _check_unused(aws, project)
    trial = Trial(looked, aws, project)
    left = [*trial.left()]
    account, what = project.management_account.id, "a bucket, a role, an event rule, a unit with an SCP"
    text = f"in account {account} {trial.name} is made and removed: {what}, a permission set and a group"
    options.note(Message("selftest-makes", text, account=account, name=trial.name))
    for thing in left:
        options.note(
            Message("selftest-left", f"an earlier run has left the {thing}, which goes first", thing=str(thing))
        )
    if not yes and not confirmed("try it?", instead=_INSTEAD):
        options.note(Message("nothing-changed", "nothing was made"))
        return False
    for thing in left:
        trial.remove(thing)
    trial.run()
    return True


def _check_unused(aws: Aws, project: Project) -> None:
    account = project.management_account.id
    names = aws.client("s3").list_buckets().get("Buckets", ())
    usual = {bucket["Name"] for bucket in names if bucket["Name"].endswith(f"-terraform-state-{account}")}
    for bucket in sorted({*usual, project.state_bucket}):
        if stacks := stacks_in(aws, project, bucket):
            text = (
                f"s3://{bucket} has states of Strata: this account is in use; try it in another one, or with --beside"
            )
            raise StrataError(Message("state-in-use", text, bucket=bucket, stacks=stacks))


class Thing(NamedTuple):
    """A thing that a run has made: its kind, its name, and what deletes it."""

    kind: str
    name: str
    delete: Callable[[], Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Trial:
    """One run; what AWS does is a line each, as of the readers."""

    def __init__(self, looked: Selftest, aws: Aws, project: Project) -> None:
        self.name = f"strata-selftest-{secrets.token_hex(4)}"
        self._looked, self._aws, self._project = looked, aws, project
        region = project.regions.primary
        self._s3, self._events = aws.client("s3", region), aws.client("events", region)
        self._iam, self._organizations = aws.client("iam"), aws.client("organizations")
        self._center = CenterClient.of(aws, project)
        self._ends = ExitStack()

    def run(self) -> None:
        """Makes and tries all; what was made is removed, the last first, whatever happens."""
        with self._ends:
            for part in (self._bucket, self._role, self._rule, self._unit, self._set, self._group):
                self._looked.ask(part)
        for thing in self.left():
            if thing.name == self.name:  # of which the answer was lost, or that AWS made a second time
                self.remove(thing)

    def remove(self, thing: Thing) -> None:
        """Deletes a thing; one that stays has its line."""
        try:
            thing.delete()
        except AwsError as error:
            if not re.search(r"NoSuch|NotFound", error.code):
                left = f"the {thing} is left, run it again: {error.code}"
                self._looked.found(self._looked.last_call, Outcome.UNKNOWN, left)

    def refused(self, code: str, operation: Callable[..., Any], **parameters: Any) -> None:
        """Makes a call that AWS has to refuse with a code."""
        try:
            operation(**parameters)
        except AwsError as error:
            if error.code != code:
                raise
        else:
            self._looked.found(self._looked.last_call, Outcome.DIFFERS, f"is not refused with {code}")

    def _made(self, kind: str, delete: Callable[[], Any], name: str = "") -> None:
        self._ends.callback(self.remove, Thing(kind, name or self.name, delete))

    # What is made

    def _bucket(self) -> None:
        name, region = self.name, self._project.regions.primary
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self._made("bucket", partial(self._delete_bucket, name))
        self._s3.create_bucket(Bucket=name, **where)
        lock = {"Bucket": name, "Key": _LOCK, "IfNoneMatch": "*"}

        def take(number: int) -> str:
            try:
                self._s3.put_object(**lock, Body=str(number).encode())
            except AwsError as error:
                return error.code
            return ""

        ends = Counter(asked_at_once(take, range(_AT_ONCE)))
        if ends[""] != 1 or ends.keys() - {"", "PreconditionFailed", "ConditionalRequestConflict"}:
            self._looked.found("s3:PutObject", Outcome.DIFFERS, f"{ends['']} of {_AT_ONCE} took the lock: {dict(ends)}")
        self.refused("PreconditionFailed", self._s3.put_object, **lock, Body=b"")
        tag = self._s3.head_object(Bucket=name, Key=_LOCK)["ETag"]
        self._s3.put_object(Bucket=name, Key=_LOCK, Body=b"taken over", IfMatch=tag)
        self.refused("PreconditionFailed", self._s3.put_object, Bucket=name, Key=_LOCK, Body=b"", IfMatch=tag)

    def _role(self) -> None:
        trust = {"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        asked = {"RoleName": self.name, "AssumeRolePolicyDocument": _document(trust), "Description": _MADE_BY}
        self._made("role", partial(self._iam.delete_role, RoleName=self.name))
        self._iam.create_role(**asked)
        self.refused("EntityAlreadyExists", self._iam.create_role, **asked)
        self._iam.get_role(RoleName=self.name)

    def _rule(self) -> None:
        pattern = json.dumps({"source": [self.name]})
        asked = {"Name": self.name, "EventPattern": pattern, "State": "DISABLED", "Description": _MADE_BY}
        self._made("event rule", partial(self._events.delete_rule, Name=self.name))
        self._events.put_rule(**asked)
        self._events.describe_rule(Name=self.name)
        self.refused("InvalidEventPatternException", self._events.put_rule, **{**asked, "EventPattern": "{"})

    def _unit(self) -> None:
        if organization.describe(self._aws) is None:
            return
        call, (root,) = self._organizations, organization.list_roots(self._aws)
        unit = call.create_organizational_unit(ParentId=root, Name=self.name)["OrganizationalUnit"]["Id"]
        self._made("unit", partial(call.delete_organizational_unit, OrganizationalUnitId=unit))
        self.refused(
            "DuplicateOrganizationalUnitException", call.create_organizational_unit, ParentId=root, Name=self.name
        )
        if _SCP not in organization.enabled_policy_types(self._aws):
            return
        denied = _document({"Effect": "Deny", "Action": "s3:CreateBucket", "Resource": "*"})
        asked = {"Name": self.name, "Description": _MADE_BY, "Type": _SCP}
        self.refused("MalformedPolicyDocumentException", call.create_policy, **asked, Content="{")
        policy = call.create_policy(**asked, Content=denied)["Policy"]["PolicySummary"]["Id"]
        self._made("policy", partial(call.delete_policy, PolicyId=policy))
        self.refused("DuplicatePolicyException", call.create_policy, **asked, Content=denied)
        call.attach_policy(PolicyId=policy, TargetId=unit)
        self._made("attachment", partial(call.detach_policy, PolicyId=policy, TargetId=unit))
        self.refused("DuplicatePolicyAttachmentException", call.attach_policy, PolicyId=policy, TargetId=unit)
        self.refused("PolicyInUseException", call.delete_policy, PolicyId=policy)

    def _set(self) -> None:
        if (center := self._center) is None:
            return
        asked = {"InstanceArn": center.instance, "Name": self.name, "Description": _MADE_BY}
        made = center.admin.create_permission_set(**asked)["PermissionSet"]["PermissionSetArn"]
        self._made("permission set", _deletion(center, made))
        self.refused("ConflictException", center.admin.create_permission_set, **asked)
        center.describe(made)

    def _group(self) -> None:
        if (center := self._center) is None:
            return
        asked = {"IdentityStoreId": center.store, "DisplayName": self.name, "Description": _MADE_BY}
        made = center.people.create_group(**asked)["GroupId"]
        self._made("group", partial(center.people.delete_group, IdentityStoreId=center.store, GroupId=made))
        self.refused("ConflictException", center.people.create_group, **asked)
        center.memberships(made)

    def _delete_bucket(self, name: str) -> None:
        self._s3.delete_object(Bucket=name, Key=_LOCK)
        self._s3.delete_bucket(Bucket=name)

    # What an earlier run has left

    def left(self) -> Iterator[Thing]:
        """Yields what is there of earlier runs in the order in which it can go, all by its name."""
        for bucket in self._s3.list_buckets().get("Buckets", ()):
            if OURS.fullmatch(bucket["Name"]):  # AWS gives it no description; one with other objects stays
                yield Thing("bucket", bucket["Name"], partial(self._delete_bucket, bucket["Name"]))
        for role in filter(_is_ours("RoleName"), self._iam.items("list_roles", "Roles[]")):
            yield Thing("role", role["RoleName"], partial(self._iam.delete_role, RoleName=role["RoleName"]))
        listed = self._events.items("list_rules", "Rules[]", NamePrefix="strata-selftest-")
        for rule in filter(_is_ours("Name"), listed):
            yield Thing("event rule", rule["Name"], partial(self._events.delete_rule, Name=rule["Name"]))
        if organization.describe(self._aws):
            yield from self._left_in_organization()
        if self._center:
            yield from self._left_in_center(self._center)

    def _left_in_organization(self) -> Iterator[Thing]:
        call, (root,) = self._organizations, organization.list_roots(self._aws)
        units = {id: name for id, name in organization.list_units(self._aws, root).items() if OURS.fullmatch(name)}
        for id, name in organization.list_policies(self._aws, _SCP).items():
            if OURS.fullmatch(name):
                for target in {*organization.targets_of(self._aws, id)} & units.keys():
                    yield Thing("attachment", name, partial(call.detach_policy, PolicyId=id, TargetId=target))
                yield Thing("policy", name, partial(call.delete_policy, PolicyId=id))
        for id, name in units.items():
            yield Thing("unit", name, partial(call.delete_organizational_unit, OrganizationalUnitId=id))

    def _left_in_center(self, center: CenterClient) -> Iterator[Thing]:
        for arn in center.permission_sets():
            if OURS.fullmatch(name := center.name_of(arn)):
                yield Thing("permission set", name, _deletion(center, arn))
        for group in filter(_is_ours("DisplayName"), center.list_groups()):
            if not center.memberships(group["GroupId"]):
                asked = {"IdentityStoreId": center.store, "GroupId": group["GroupId"]}
                yield Thing("group", group["DisplayName"], partial(center.people.delete_group, **asked))


def _is_ours(attribute: str) -> Callable[[Any], bool]:
    return lambda described: (
        bool(OURS.fullmatch(described.get(attribute, ""))) and described.get("Description") == _MADE_BY
    )


def _deletion(center: CenterClient, arn: str) -> Callable[[], Any]:
    return partial(center.admin.delete_permission_set, InstanceArn=center.instance, PermissionSetArn=arn)


def _document(statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
