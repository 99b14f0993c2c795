"""A landing zone as the evaluator sees it: accounts with the levels above them, and who acts with which policies.

The only module here that knows the configuration.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from strata.config import ORGANIZATION, SSO
from strata.config.models import ACCESS_ROLE, MANAGEMENT, PARTITION, PolicyType, User
from strata.config.source import Location
from strata.evaluation.organization import named_organization
from strata.landing_zone import LandingZone
from strata.landing_zone.archive import archive_of
from strata.landing_zone.grants import Grant
from strata.landing_zone.permission_sets import FULL_ACCESS, OF_OTHERS, Held, InlinePolicy, ManagedPolicy
from strata.landing_zone.placeholders import DocumentTemplate as Filled
from strata.landing_zone.policies import FULL_ACCESS as ALLOW_ALL
from strata.landing_zone.policies import Policy, security_administrator
from strata.landing_zone.undescribed import UNDESCRIBED
from strata.landing_zone.units import THE_ROOT, Target
from strata.policy import unknown
from strata.policy.documents import Document, parse
from strata.policy.layers import AccountLevels, PolicyLayer
from strata.policy.requests import ABSENT, UNKNOWN, Missing, RequestPrincipal, Value

CONTROLS = {PolicyType.SERVICE_CONTROL: "SCPs", PolicyType.RESOURCE_CONTROL: "RCPs"}
EVERYTHING = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
SOMEBODY = "a role with full access"
NO_DEPLOYER = "the deployer, which project.yaml does not name"


@dataclass(frozen=True)
class Actor:
    """A principal in an account, with the policies that bind it there."""

    name: str
    """As people read it: permission set Admin."""
    principal: RequestPrincipal
    account: AccountLevels
    identity: PolicyLayer
    boundary: PolicyLayer | None = None
    keys: Mapping[str, Value | Missing] = field(default_factory=dict)
    """Keys of the session, such as its tags."""
    group: str = ""
    """The group of an identity provider in which its user has to be, if nobody here knows whether they are."""


def level_name(kind: PolicyType, target: Target) -> str:
    """Returns what answers call the SCPs or RCPs of a level."""
    return f"{CONTROLS[kind]} of {'the root' if target == THE_ROOT else target}"


class Evaluated:
    """The accounts, policies and permission sets of a landing zone; each document is parsed once."""

    def __init__(self, landing_zone: LandingZone) -> None:
        self.landing_zone = landing_zone
        self._levels: dict[tuple[PolicyType, Target], PolicyLayer] = {}
        self._documents: dict[str, Document] = {}
        self._accounts: dict[str, AccountLevels] = {}
        self._sets: dict[str, tuple[PolicyLayer, PolicyLayer | None]] = {}

    # Accounts

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Returns the keys of all accounts, the management account first."""
        return tuple(self.landing_zone.accounts)

    def account(self, key: str) -> AccountLevels:
        """Returns an account with the levels above it."""
        if key not in self._accounts:
            way = self.landing_zone.ancestors[Target("account", key)]
            numbers = {unit: number for number, unit in enumerate(self.landing_zone.units, 2)}
            units = (f"ou-{unknown.text(numbers[target.key])}" for target in way if target.unit)
            self._accounts[key] = AccountLevels(
                id=self._id(key),
                name=key,
                service_control=tuple(self._level(PolicyType.SERVICE_CONTROL, target) for target in way),
                resource_control=tuple(self._level(PolicyType.RESOURCE_CONTROL, target) for target in way),
                management=key == MANAGEMENT,
                organization=self._organization,
                path="/".join([self._organization, f"r-{unknown.text(1)}", *units, ""]),
            )
        return self._accounts[key]

    @cached_property
    def _organization(self) -> str:
        named = named_organization(self.landing_zone)
        return named.id if named else f"o-{unknown.text(0)}"

    def account_of_id(self, number: str) -> AccountLevels:
        """Returns the account with an id, whether or not the configuration knows it."""
        for key in self.keys:
            if self.account(key).id == number:
                return self.account(key)
        outside = PolicyLayer(f"RCPs of account {number}", unknown=(f"which account {number} is",))
        return AccountLevels(number, number, resource_control=(outside,))

    def _id(self, key: str) -> str:
        known = self.landing_zone.accounts[key].id or self.landing_zone.imports.get(f"aws_organizations_account.{key}")
        return known or unknown.account_id(self.keys.index(key))

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        return security_administrator(self.landing_zone.organization, {key: self._id(key) for key in self.keys})

    # Organization policies

    def _level(self, kind: PolicyType, target: Target) -> PolicyLayer:
        """Returns the policies of a level; AWS puts one that allows everything on each."""
        if (kind, target) not in self._levels:
            is_open = (kind, target) not in self.landing_zone.without_full_access
            full = (_of_aws(ALLOW_ALL[kind], EVERYTHING),) if is_open else ()
            effective = self.landing_zone.effective_policies[target]
            attached = [policy.policy for policy in effective if policy.source == target and policy.policy.type is kind]
            known = [self._of_organization(policy) for policy in attached if policy.is_known]
            hidden = tuple(f"policy {policy.name}, {OF_OTHERS}" for policy in attached if not policy.is_known)
            if target == THE_ROOT and self.landing_zone.has_undescribed(kind):
                hidden += (UNDESCRIBED,)  # wherever it is attached, which nothing says
            self._levels[kind, target] = PolicyLayer(level_name(kind, target), (*full, *known), hidden)
        return self._levels[kind, target]

    # Which accounts are bound alike

    def bound(self, key: str) -> tuple[object, ...]:
        """Returns what an account has in common with those that the same policies bind: those of each level above.

        One that a document names, or may name, is alone.
        """
        there = self.account(key)
        levels = (
            (id(level) if level.unknown else 0, *map(id, level.documents))
            for level in (*there.service_control, *there.resource_control)
            if level.unknown or not _allows_all(level)
        )
        alone = self._accounts_differ or there.id in self.texts or f"id of account {key.lower()}}}" in self.texts
        return (there.management, *levels, key if alone else "")

    @cached_property
    def texts(self) -> str:
        """Returns the text of every document of the configuration, in lower case."""
        inline = (permission_set.inline for permission_set in self.landing_zone.permission_sets.values())
        deployer = self.landing_zone.deployer.policies if self.landing_zone.deployer else ()
        documents = (
            *(policy.document for policy in self.landing_zone.policies.values()),
            *(inline_policy.document for inline_policy in inline if inline_policy),
            *(document for policy in deployer if (document := getattr(policy, "document", None))),
        )
        return "\n".join(document.text for document in documents).lower()

    @cached_property
    def _accounts_differ(self) -> bool:
        """Returns whether a document tells accounts apart by their units, or by a pattern of their ids."""
        return "orgpaths" in self.texts or bool(_PART_OF_ID.search(self.texts))

    # Documents

    def _of_organization(self, policy: Policy) -> Document:
        if policy.file:
            return self._file(policy.file, policy.document)
        return self._made(policy.key, policy.document.text, ORGANIZATION, policy.location)

    def _file(self, file: str, document: Filled) -> Document:
        """Returns the document of a file, with its line numbers."""
        if file not in self._documents:
            source_file = self.landing_zone.source_file(file)
            self._documents[file] = parse(document.with_values(self._ids), source_file.file, line=source_file.line)
        return self._documents[file]

    def _made(self, option: str, text: str, file: str, location: Location) -> Document:
        """Returns the document that an option generates, at the line of the option."""
        if option not in self._documents:
            part, here = self.landing_zone.source_file(file).origin(location)
            self._documents[option] = parse(text, part.file, name=option, line=lambda _: part.line(here))
        return self._documents[option]

    def _layer(self, name: str, policies: Iterable[Held], location: Location) -> PolicyLayer:
        from strata.policy.reference import managed_documents

        documents: list[Document] = []
        hidden: list[str] = []
        for policy in policies:
            if isinstance(policy, InlinePolicy):
                documents.append(self._inline(policy, location))
            elif isinstance(policy, ManagedPolicy) and (known := managed_documents().get(policy.aws)):
                documents.append(_of_aws(policy.aws, json.dumps(known)))
            else:
                hidden.append(str(policy))
        return PolicyLayer(name, tuple(documents), tuple(hidden))

    def _inline(self, policy: InlinePolicy, location: Location) -> Document:
        if policy.file:
            return self._file(policy.file, policy.document)
        project = self.landing_zone.project
        where = f"{project.regions.primary}:{project.management_account.id}"
        key = f"arn:{PARTITION}:kms:{where}:key/{unknown.ANYTHING}"
        return self._made(f"option {location[0]}", policy.document.with_values({"state_key_arn": key}), SSO, location)

    # Actors

    def grants(self, account: str) -> list[Grant]:
        """Returns the grants of an account."""
        return self._grants.get(account, [])

    @cached_property
    def _grants(self) -> Mapping[str, list[Grant]]:
        by_account: defaultdict[str, list[Grant]] = defaultdict(list)
        for grant in self.landing_zone.grants:
            by_account[grant.account].append(grant)
        return by_account

    def permission_set(self, key: str, account: str, user: str | None = None, group: str = "") -> Actor:
        """Returns the role of a permission set in an account, in a session of a user, who may be in a group."""
        where = self.account(account)
        name = f"AWSReservedSSO_{self.landing_zone.permission_sets[key].name}_{unknown.SUFFIX}"
        region = self.landing_zone.project.identity_center_region
        # AWS leaves the region out of the path where it is us-east-1.
        path = "aws-reserved/sso.amazonaws.com/" + (f"{region}/" if region != "us-east-1" else "")
        known = self.landing_zone.users[user] if user else None
        session = known.sign_in_name if known else unknown.ANYTHING
        principal = RequestPrincipal(
            f"arn:{PARTITION}:iam::{where.id}:role/{path}{name}",
            f"arn:{PARTITION}:sts::{where.id}:assumed-role/{name}/{session}",
        )
        if key not in self._sets:
            held, of_set = self.landing_zone.permission_sets[key], f"permission set {key}"
            boundary = self._layer(f"boundary of {of_set}", [held.boundary], held.location) if held.boundary else None
            self._sets[key] = self._layer(of_set, held.policies, held.location), boundary
        identity, boundary = self._sets[key]
        return Actor(f"permission set {key}", principal, where, identity, boundary, self._session_tags(known), group)

    def _session_tags(self, user: User | None) -> dict[str, Value | Missing]:
        """Returns the tags of a session: those that access_control_attributes passes on, and others where it may be."""
        values = {"${path:userName}": user.sign_in_name} if user else {}
        if user and not user.external:
            values |= {
                "${path:name.givenName}": user.given_name,
                "${path:name.familyName}": user.family_name,
                "${path:displayName}": user.shown_name,
                "${path:emails[primary eq true].value}": user.email,
            }
        attributes = self.landing_zone.sso.access_control_attributes
        passed = {f"aws:PrincipalTag/{tag}": values.get(source, UNKNOWN) for tag, source in attributes.items()}
        return {"aws:PrincipalTag/*": UNKNOWN if may_send_tags(self.landing_zone) else ABSENT, **passed}

    def role(self, name: str, account: str) -> Actor:
        """Returns a role of an account; its policies are known for the access role only."""
        where = self.account(account)
        principal = RequestPrincipal(f"arn:{PARTITION}:iam::{where.id}:role/{name}", _session(where.id, name))
        if name == ACCESS_ROLE and not where.management:
            return Actor(
                f"role {name}", principal, where, PolicyLayer(f"role {name}", (_of_aws(FULL_ACCESS, EVERYTHING),))
            )
        return Actor(
            f"role {name}", principal, where, PolicyLayer(f"role {name}", unknown=(f"the policies of role {name}",))
        )

    def root_user(self, account: str) -> Actor:
        """Returns the root user of an account."""
        where = self.account(account)
        return Actor(
            "root user", RequestPrincipal(f"arn:{PARTITION}:iam::{where.id}:root"), where, PolicyLayer("root user")
        )

    def service(self, name: str, account: str) -> Actor:
        """Returns an AWS service that acts on an account."""
        return Actor(f"service {name}", RequestPrincipal(name), self.account(account), PolicyLayer(name))

    def somebody(self, account: str, but: Iterable[str] = ()) -> Actor:
        """Returns a role of an account that may do everything that the guardrails allow; none of some roles."""
        where = self.account(account)
        layer = PolicyLayer(SOMEBODY, (_of_aws(FULL_ACCESS, EVERYTHING),))
        arn = f"arn:{PARTITION}:iam::{where.id}:role/{unknown.ANYTHING}"
        others = unknown.Other.than((f"arn:*:iam::*:role/{role}" for role in but), arn)
        return Actor(SOMEBODY, RequestPrincipal(others), where, layer)

    def deployer(self) -> Actor:
        """Returns the role of the management account that deploys; project.yaml may leave facts of it unknown."""
        deployer, where = self.landing_zone.deployer, self.account(MANAGEMENT)
        name = deployer.role if deployer else unknown.ANYTHING
        principal = RequestPrincipal(f"arn:{PARTITION}:iam::{where.id}:role/{name}", _session(where.id, name))
        if deployer and deployer.policies:
            return Actor("deployer", principal, where, self._layer("deployer", deployer.policies, ("deployer",)))
        hidden = "the policies of the deployer, which project.yaml does not name" if deployer else NO_DEPLOYER
        return Actor("deployer", principal, where, PolicyLayer("deployer", unknown=(hidden,)))

    # Resources

    def trust_policy(self, resource: str) -> PolicyLayer | None:
        """Returns who may assume a role, where that is known: AWS makes the access role for the management account."""
        name = resource.partition(":role/")[2]
        if name != ACCESS_ROLE:
            return None
        management = self.landing_zone.project.management_account.id
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": f"arn:{PARTITION}:iam::{management}:root"},
        }
        document = parse(json.dumps({"Version": "2012-10-17", "Statement": statement}), f"trust of {name}")
        return PolicyLayer(f"trust policy of {name}", (document,))

    def bucket_account(self, resource: str) -> str | None:
        """Returns the account of a bucket of Strata's own; an ARN of S3 does not tell."""
        project = self.landing_zone.project
        bucket = resource.removeprefix(f"arn:{PARTITION}:s3:::").partition("/")[0]
        own = (project.state_bucket, project.replica_bucket, project.trail_bucket)
        if bucket in (project.archive_trail_bucket, project.archive_config_bucket):
            archive = archive_of(self.landing_zone)
            return archive.account if archive else None
        return MANAGEMENT if bucket in own else None


_PART_OF_ID = re.compile(r'[":](?:[0-9]+[*?]|[*?]+[0-9])[0-9*?]*[":]')


def _allows_all(level: PolicyLayer) -> bool:
    """Returns whether a level has nothing but the policy of AWS that allows everything."""
    return level.documents in [(_of_aws(name, EVERYTHING),) for name in ALLOW_ALL.values()]


def may_send_tags(landing_zone: LandingZone) -> bool:
    """Returns whether sessions may have tags that nobody declares: an identity provider sends what it wants.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/configure-abac.html
    """
    users, groups = landing_zone.users.values(), landing_zone.groups.values()
    external = any(user.external for user in users) or any(group.external for group in groups)
    return external or bool(landing_zone.sso.access_control_attributes)


def _session(account: str, role: str) -> str:
    return f"arn:{PARTITION}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{unknown.ANYTHING}"


@cache
def _of_aws(name: str, text: str) -> Document:
    """Returns the document of an AWS managed policy, which is the same in every landing zone."""
    return parse(text, aws_policy(name))


def aws_policy(name: str) -> str:
    """Returns how an AWS managed policy is named where others have a file."""
    return f"AWS policy {name}"
