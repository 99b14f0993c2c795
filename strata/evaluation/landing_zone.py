"""A landing zone as the evaluator sees it: accounts with the levels above them, and who acts with which policies.

The one place here that knows the configuration.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

from strata.config.access import BREAK_GLASS, STATE_ACCESS, Grant, explained_grants
from strata.config.guardrails import guardrails
from strata.config.models import (
    ACCESS_ROLE,
    MANAGEMENT,
    PARTITION,
    ROOT,
    Boundary,
    LandingZone,
    PermissionSet,
    PolicyReference,
    PolicyType,
    Targets,
)
from strata.config.placeholders import fill, placeholder_values
from strata.config.targets import Directory
from strata.config.tree import Tree
from strata.evaluation import unknown
from strata.evaluation.documents import Document, parse
from strata.evaluation.layers import Account, Layer
from strata.evaluation.requests import ABSENT, UNKNOWN, Missing, Principal, Value
from strata.files import POLICY, read_text

CONTROLS = {PolicyType.SERVICE_CONTROL: "SCPs", PolicyType.RESOURCE_CONTROL: "RCPs"}
EVERYTHING = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
FULL_ACCESS = "AdministratorAccess"
NO_DEPLOYER = "the deployer, which project.yaml does not name"


@dataclass(frozen=True)
class Actor:
    """Somebody who acts in an account, with what binds them there."""

    name: str
    """As people read it: permission set Admin."""
    principal: Principal
    account: Account
    identity: Layer
    boundary: Layer | None = None
    keys: Mapping[str, Value | Missing] = field(default_factory=dict)
    """Keys of the session, such as its tags."""


class Evaluated:
    """The accounts, policies and permission sets of a landing zone; each document is parsed once."""

    def __init__(self, landing_zone: LandingZone, folder: Path) -> None:
        self.landing_zone = landing_zone
        self._folder = folder
        self._values = placeholder_values(landing_zone.project)
        self._levels: dict[tuple[PolicyType, str], Layer] = {}
        self._documents: dict[str, Document] = {}
        self._accounts: dict[str, Account] = {}

    # Accounts

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Returns the keys of all accounts, the management account first."""
        return (MANAGEMENT, *self.landing_zone.organization.active_accounts)

    def within(self, unit: str) -> tuple[str, ...]:
        """Returns the keys of the accounts in a unit and below it."""
        found = self._directory.within(unit)
        return tuple(key for key in self.keys if key in found)

    def account(self, key: str) -> Account:
        """Returns an account with the levels above it."""
        if key not in self._accounts:
            self._accounts[key] = self._account(key)
        return self._accounts[key]

    def account_of_id(self, number: str) -> Account:
        """Returns the account with an id, which may be one that the configuration has no id of."""
        for key in self.keys:
            if self.account(key).id == number:
                return self.account(key)
        outside = Layer(f"RCPs of account {number}", unknown=(f"which account {number} is",))
        return Account(number, number, resource_control=(outside,))

    def _account(self, key: str) -> Account:
        organization = self._organization_id
        units = self._units_above(key)
        names = [f"r-{unknown.text(1)}", *(f"ou-{unknown.text(2 + self._unit_numbers[unit])}" for unit in units)]
        levels = [(ROOT, "the root"), *((f"unit {unit}", f"organizational unit {unit}") for unit in units)]
        levels.append((f"account {key}", f"account {key}"))
        return Account(
            id=self._id(key),
            name=key,
            service_control=tuple(self._level(PolicyType.SERVICE_CONTROL, *level) for level in levels),
            resource_control=tuple(self._level(PolicyType.RESOURCE_CONTROL, *level) for level in levels),
            management=key == MANAGEMENT,
            organization=organization,
            path="/".join([organization, *names, ""]),
        )

    @property
    def _organization_id(self) -> str:
        imported = self.landing_zone.imports.get("aws_organizations_organization.main")
        return imported or f"o-{unknown.text(0)}"

    def _id(self, key: str) -> str:
        if key == MANAGEMENT:
            return self.landing_zone.project.management_account.id
        imported = self.landing_zone.imports.get(f"aws_organizations_account.{key}")
        return imported or unknown.account_id(self._account_numbers[key])

    @cached_property
    def _account_numbers(self) -> Mapping[str, int]:
        return {key: number for number, key in enumerate(self.keys)}

    @cached_property
    def _unit_numbers(self) -> Mapping[str, int]:
        return {unit: number for number, unit in enumerate(self._paths)}

    @cached_property
    def _paths(self) -> Mapping[str, tuple[str, ...]]:
        return {path.key: path.keys for path in self.landing_zone.organization.units()}

    @cached_property
    def _directory(self) -> Directory:
        return Directory(self.landing_zone.organization)

    def _units_above(self, key: str) -> tuple[str, ...]:
        if key == MANAGEMENT:
            return ()
        return self._paths.get(self.landing_zone.organization.accounts[key].organizational_unit, ())

    # Organization policies

    def _level(self, kind: PolicyType, key: str, name: str) -> Layer:
        """Returns the policies of one level; AWS puts one that allows everything on each."""
        if (kind, key) not in self._levels:
            full = "FullAWSAccess" if kind is PolicyType.SERVICE_CONTROL else "RCPFullAWSAccess"
            attached = [self._aws(full, EVERYTHING), *self._attached.get((kind, key), ())]
            self._levels[kind, key] = Layer(f"{CONTROLS[kind]} of {name}", tuple(attached))
        return self._levels[kind, key]

    @cached_property
    def _attached(self) -> Mapping[tuple[PolicyType, str], list[Document]]:
        found: dict[tuple[PolicyType, str], list[Document]] = {}
        organization = self.landing_zone.organization
        for policy in organization.policies.values():
            if policy.type in CONTROLS:
                for target in _targets(policy.targets):
                    found.setdefault((policy.type, target), []).append(self._file(policy.file))
        for made in guardrails(organization):
            if made.type in CONTROLS:
                tree = self.landing_zone.trees.get("organization.yaml", Tree("organization.yaml"))
                document = parse(made.minified, tree.file, name=made.key, lines=repeat(tree.line((made.option,))))
                for target in _targets(made.targets):
                    found.setdefault((made.type, target), []).append(document)
        return found

    # Documents

    def _file(self, file: str) -> Document:
        """Returns the document of a file, with the lines that it has there."""
        if file not in self._documents:
            tree = self.landing_zone.trees.get("organization.yaml")
            shown = str(Path(tree.file).parent / file) if tree else file
            text = read_text(self._folder / file, POLICY).removeprefix("\ufeff")
            self._documents[file] = parse(fill(text, self._values), shown)
        return self._documents[file]

    def _aws(self, name: str, text: str) -> Document:
        file = f"AWS policy {name}"
        if file not in self._documents:
            self._documents[file] = parse(text, file, lines=())
        return self._documents[file]

    def _referenced(self, references: tuple[PolicyReference | Boundary, ...], name: str) -> Layer:
        from strata.iam.reference import managed_documents

        documents: list[Document] = []
        hidden: list[str] = []
        for one in references:
            inline = getattr(one, "inline", None)
            if inline:
                documents.append(self._file(inline))
            elif one.aws and (found := managed_documents().get(one.aws)):
                documents.append(self._aws(one.aws, json.dumps(found)))
            else:
                hidden.append(f"AWS policy {one.aws}" if one.aws else f"your policy {one.path or '/'}{one.customer}")
        return Layer(name, tuple(documents), tuple(hidden))

    # Actors

    def grants(self, account: str) -> list[Grant]:
        """Returns who has which permission set in an account."""
        return list(explained_grants(self.landing_zone, {account}))

    def permission_set(self, key: str, account: str, user: str | None = None) -> Actor:
        """Returns the role of a permission set in an account, in a session of a user."""
        found = self._permission_sets[key]
        where, name = self.account(account), f"AWSReservedSSO_{(found.name if found else None) or key}_{unknown.SUFFIX}"
        region = self.landing_zone.project.identity_center_region
        # AWS leaves the region out of the path where it is us-east-1.
        path = "aws-reserved/sso.amazonaws.com/" + (f"{region}/" if region != "us-east-1" else "")
        session = self._user_name(user) if user else unknown.ANYTHING
        principal = Principal(
            f"arn:{PARTITION}:iam::{where.id}:role/{path}{name}",
            f"arn:{PARTITION}:sts::{where.id}:assumed-role/{name}/{session}",
        )
        identity, boundary = self._set_layers(key)
        return Actor(f"permission set {key}", principal, where, identity, boundary, self._session_tags(user))

    @cached_property
    def permission_set_names(self) -> Mapping[str, set[str]]:
        """Returns every permission set with all the names it answers to."""
        return {key: {key, (one.name if one else None) or key} for key, one in self._permission_sets.items()}

    @cached_property
    def _permission_sets(self) -> Mapping[str, PermissionSet | None]:
        sso = self.landing_zone.sso
        found: dict[str, PermissionSet | None] = dict(sso.permission_sets)
        if sso.break_glass:
            found[BREAK_GLASS] = PermissionSet(policies=(PolicyReference(aws=FULL_ACCESS),))
        if sso.state_access:
            found[STATE_ACCESS] = None
        return found

    def _set_layers(self, key: str) -> tuple[Layer, Layer | None]:
        found = self._layers.get(key)
        if found is None:
            permission_set, name = self._permission_sets[key], f"permission set {key}"
            if permission_set is None:
                found = Layer(name, unknown=(f"the policy that {key} gets when it is deployed",)), None
            else:
                boundary = permission_set.boundary
                limit = self._referenced((boundary,), f"boundary of {name}") if boundary else None
                found = self._referenced(permission_set.policies, name), limit
            self._layers[key] = found
        return found

    @cached_property
    def _layers(self) -> dict[str, tuple[Layer, Layer | None]]:
        return {}

    def _user_name(self, user: str) -> str:
        known = self.landing_zone.sso.users[user]
        return known.user_name or known.email

    def _session_tags(self, user: str | None) -> dict[str, Value | Missing]:
        """Returns the tags of a session: those that access_control_attributes passes on, and no others."""
        known = self.landing_zone.sso.users[user] if user else None
        values = (
            {
                "${path:userName}": known.user_name or known.email,
                "${path:name.givenName}": known.given_name,
                "${path:name.familyName}": known.family_name,
                "${path:displayName}": known.display_name,
                "${path:emails[primary eq true].value}": known.email,
            }
            if known
            else {}
        )
        attributes = self.landing_zone.sso.access_control_attributes
        passed = {f"aws:PrincipalTag/{tag}": values.get(source, UNKNOWN) for tag, source in attributes.items()}
        return {"aws:PrincipalTag/*": ABSENT, **passed}

    def role(self, name: str, account: str) -> Actor:
        """Returns a role of an account, of which the policies are known for the access role alone."""
        where = self.account(account)
        principal = Principal(f"arn:{PARTITION}:iam::{where.id}:role/{name}", _session(where.id, name))
        if name == ACCESS_ROLE and not where.management:
            return Actor(f"role {name}", principal, where, Layer(f"role {name}", (self._aws(FULL_ACCESS, EVERYTHING),)))
        return Actor(f"role {name}", principal, where, Layer(f"role {name}", unknown=(f"the policies of role {name}",)))

    def root_user(self, account: str) -> Actor:
        """Returns the root user of an account."""
        where = self.account(account)
        return Actor("root user", Principal(f"arn:{PARTITION}:iam::{where.id}:root"), where, Layer("root user"))

    def service(self, name: str, account: str) -> Actor:
        """Returns an AWS service that acts on an account."""
        return Actor(f"service {name}", Principal(name), self.account(account), Layer(name))

    def somebody(self, account: str) -> Actor:
        """Returns a role of an account that may do whatever the guardrails leave."""
        where = self.account(account)
        layer = Layer("a role with full access", (self._aws(FULL_ACCESS, EVERYTHING),))
        principal = Principal(f"arn:{PARTITION}:iam::{where.id}:role/{unknown.ANYTHING}")
        return Actor("a role with full access", principal, where, layer)

    def deployer(self) -> Actor:
        """Returns the role of the management account that deploys; what project.yaml does not say of it is unknown."""
        deployer, where = self.landing_zone.project.deployer, self.account(MANAGEMENT)
        name = deployer.role if deployer else unknown.ANYTHING
        principal = Principal(f"arn:{PARTITION}:iam::{where.id}:role/{name}", _session(where.id, name))
        if deployer and deployer.policies:
            return Actor("deployer", principal, where, self._referenced(deployer.policies, "deployer"))
        hidden = "the policies of the deployer, which project.yaml does not name" if deployer else NO_DEPLOYER
        return Actor("deployer", principal, where, Layer("deployer", unknown=(hidden,)))

    # Resources

    def trust_policy(self, resource: str) -> Layer | None:
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
        document = parse(json.dumps({"Version": "2012-10-17", "Statement": statement}), f"trust of {name}", lines=())
        return Layer(f"trust policy of {name}", (document,))

    def bucket_account(self, resource: str) -> str | None:
        """Returns the account of a bucket of Strata's own; an ARN of S3 does not tell."""
        project = self.landing_zone.project
        bucket = resource.removeprefix(f"arn:{PARTITION}:s3:::").partition("/")[0]
        own = (project.state_bucket, project.replica_bucket, project.trail_bucket)
        return MANAGEMENT if bucket in own else None


def _session(account: str, role: str) -> str:
    return f"arn:{PARTITION}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{unknown.ANYTHING}"


def _targets(targets: Targets) -> Iterator[str]:
    if targets.root:
        yield ROOT
    yield from (f"unit {unit}" for unit in targets.organizational_units)
    yield from (f"account {account}" for account in targets.accounts)
