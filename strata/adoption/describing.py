"""Describes what is at AWS as a configuration, and names what no configuration can describe."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from strata.adoption.folding import fold
from strata.adoption.keys import keys
from strata.config import moves
from strata.config.limits import aws_limits
from strata.config.models import (
    DEFAULT_SESSION,
    MANAGEMENT,
    OWN_TAGS,
    AccountEntry,
    Assignment,
    GroupEntry,
    Mode,
    Model,
    PermissionSetEntry,
    PolicyEntry,
    PolicyType,
    Project,
    Security,
    Setting,
    Sso,
    User,
)
from strata.config.models import Organization as DeclaredOrganization
from strata.config.text import Problem
from strata.config.types import OrganizationalUnitName
from strata.errors import Message
from strata.evaluation.administrators import allows_everything
from strata.inventory.reading import ENTITLEMENTS
from strata.kinds import WORDS, at_aws
from strata.kinds.account import ACCOUNT
from strata.kinds.at_aws import Inventory, LiveCenter, LiveOrganization
from strata.kinds.control_tower import keeper_at
from strata.kinds.group import GROUP
from strata.kinds.kind import Kind
from strata.kinds.organization import ROOT_FEATURES
from strata.kinds.permission_set import INLINE_END, SET, inline_file, live_policy
from strata.kinds.policy import POLICY, full_access
from strata.kinds.thing import ACTIVE
from strata.kinds.unit import UNIT
from strata.kinds.user import USER
from strata.landing_zone.accounts import default_name
from strata.landing_zone.grants import Grant
from strata.landing_zone.permission_sets import InlinePolicy, ManagedPolicy
from strata.landing_zone.permission_sets import PermissionSet as Resolved
from strata.landing_zone.placeholders import DocumentTemplate
from strata.landing_zone.policies import ACCESS_ANALYZER
from strata.landing_zone.services import ACCOUNT_MANAGEMENT, CONTROL_TOWER
from strata.sides.join import live_names
from strata.text import counted, exact, slug

FULL_ACCESS = "p-FullAWSAccess"
SERVICE_CONTROL = PolicyType.SERVICE_CONTROL.value
_UNWRITABLE = "it has no name or not exactly one e-mail address that can be written here"


class LeftAlone(NamedTuple):
    """Something at AWS that the configuration does not describe, and why; with its id, where it has one."""

    kind: str
    name: str
    reason: Message
    at_aws: str = ""


@dataclass
class Description:
    """The configuration of an organization as it is at AWS.

    Attributes:
        organization: the content of organization.yaml.
        security: the controls of security.yaml that are as Strata would set them, and can be imported.
        sso: the content of sso.yaml.
        documents: policy documents by path, as they are.
        keys: kind to id to key.
        left_alone: what is not described.
        reasons: the same of what has an id of its own: why it is not described, by id.
        looks: what an administrator should look at, as sentences.
        kept: what others look after, by who does.
        grants: who has what, as far as it is described.
        assignments: the same, folded.
        full_access: the entries of policies of AWS's that are not attached to everything.
    """

    organization: dict[str, Any] = field(default_factory=dict)
    security: dict[str, Any] = field(default_factory=dict)
    sso: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    keys: dict[moves.Kind, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    left_alone: list[LeftAlone] = field(default_factory=list)
    reasons: dict[str, Message] = field(default_factory=dict)
    looks: list[Message] = field(default_factory=list)
    kept: dict[Message, list[str]] = field(default_factory=lambda: defaultdict(list))
    grants: frozenset[Grant] = frozenset()
    assignments: list[Assignment] = field(default_factory=list)
    full_access: dict[str, Any] = field(default_factory=dict)
    refused: Mapping[str, Message] = field(default_factory=dict)

    def refuses(self, entry: str, kind: str, name: str, id: str = "") -> bool:
        """Returns whether no configuration can have an entry, and names it then."""
        if reason := self.refused.get(entry):
            self.leave(kind, name, reason, id)
        return bool(reason)

    def leave(self, kind: str, name: str, reason: Message, id: str = "", *, whole: bool = True) -> None:
        """Names something that stays as it is; with an id, where no entry says anything of the whole thing."""
        self.left_alone.append(LeftAlone(kind, name, reason, id))
        if id and whole:
            self.reasons[id] = reason


def describe(
    inventory: Inventory,
    project: Project,
    *,
    literal: bool = False,
    refused: Mapping[str, Message] | None = None,
) -> Description:
    """Returns the configuration of what AWS has.

    Args:
        inventory: what is at AWS.
        project: the names that Strata would choose, which need not be written.
        literal: names every account of an assignment.
        refused: entries that no configuration can have, as `policies.deny-leaving`, each with the reason.
    """
    description = Description(refused=refused or {})
    _Organization(inventory, inventory.organization, project, description).describe()
    description.security = dict(_settings(inventory))
    if features := inventory.root_features:
        description.organization["member_root_access"] = {key: name in features for name, key in ROOT_FEATURES.items()}
    _entitled(inventory, description)
    if inventory.center:
        _Center(inventory, inventory.center, description, literal=literal).describe()
    _leave_details(inventory, project, description)
    for keeper, names in description.kept.items():
        text = f"External, which no deploy changes, since {keeper}: {', '.join(names)}."
        description.looks.append(keeper.saying(text, things=names))
    return description


def gives_everything(permission_set: at_aws.LivePermissionSet) -> bool:
    """Returns whether a permission set gives full access, as far as its own documents and AWS's policies say."""
    policies = [ManagedPolicy(**live_policy(arn)) for arn in permission_set.aws_managed]
    inline = [InlinePolicy(DocumentTemplate(permission_set.inline), "", "")] if permission_set.inline else []
    boundary = ManagedPolicy(customer="boundary") if permission_set.boundary else None
    return allows_everything(
        Resolved(permission_set.arn, permission_set.name, (*policies, *inline), (), boundary=boundary)
    )


def sets_with_full_access(inventory: Inventory) -> frozenset[str]:
    """Returns the ARNs of the permission sets that give full access."""
    return frozenset(
        permission_set.arn
        for center in inventory.centers
        for permission_set in center.permission_sets
        if gives_everything(permission_set)
    )


def keys_with_full_access(inventory: Inventory, keys: Mapping[str, str]) -> frozenset[str]:
    """Returns the keys of these, by the keys of permission sets by ARN."""
    return frozenset(keys.get(arn, "") for arn in sets_with_full_access(inventory))


def direct_full_access(inventory: Inventory, description: Description) -> Iterator[Message]:
    """Yields how many assignments give a user full access, by no group."""
    full = keys_with_full_access(inventory, description.keys["permission-set"])
    direct = [grant for grant in description.grants if grant.principal_type == "USER" and grant.permission_set in full]
    if direct:
        text = f"Full access that users have directly: {counted(len(direct), 'assignment')}; strata report says whose."
        yield Message("full-access-direct", text, count=len(direct))


def valid(type: Any, value: object) -> bool:
    """Returns whether the configuration accepts a value."""
    return not _objections(type, value)


def objection(model: type[Model], field: str, value: object) -> Message | Literal[""]:
    """Returns what the configuration has against the value of a field, whatever the others are."""
    return _objections(model, {field: value}).get(field, "")


def _unit_objections(units: Sequence[at_aws.LiveUnit]) -> dict[str, Message]:
    """Returns of the units whose names no configuration can have why, by id."""
    siblings = Counter((unit.parent, exact(unit.name).lower()) for unit in units)
    messages = dict[str, Message]()
    for unit in units:
        reason = _objections(OrganizationalUnitName, unit.name).get("")
        if not reason and siblings[unit.parent, unit.name.lower()] > 1:
            alike = f"{unit.name!r} differs from the name of a unit beside it in case or Unicode's form alone"
            reason = Message("name-taken", alike, value=unit.name)
        if reason:
            messages[unit.id] = reason.saying(f"{reason}; rename it at AWS first")
    return messages


def _objections(type: Any, value: object) -> dict[str, Message]:
    """Returns what the configuration has against a value, by the field."""
    try:
        _adapter(type).validate_python(value)
    except Problem as problem:
        return {"": problem.problem}
    except ValidationError as error:
        messages = dict[str, Message]()
        for fault in error.errors(include_url=False):
            cause = fault.get("ctx", {}).get("error")  # before which pydantic puts words of its own
            rejected = Message("value-rejected", str(cause or fault["msg"]))
            field = str(fault["loc"][0]) if fault["loc"] else ""
            messages[field] = cause.problem if isinstance(cause, Problem) else rejected
        return messages
    return {}


@cache
def _adapter(type: Any) -> TypeAdapter[Any]:
    return TypeAdapter(type)


def _written(kind: Kind, thing: Any, **defaults: str) -> dict[str, Any]:
    """Returns the fields of the entry of a thing, without those that are empty, or by default as they are."""
    fields = kind.live_fields(thing).items()
    return {name: value for name, value in fields if (value != defaults[name] if name in defaults else value)}


def _names(kind: Kind, inventory: Inventory, ids: Collection[str] | None = None) -> list[tuple[str, Sequence[str]]]:
    """Returns the ids of the things of a kind, of all or some, each with the names for its key."""
    return [(thing.id, thing.names) for thing in kind.named(inventory, {}) if ids is None or thing.id in ids]


def _accepted(
    description: Description,
    model: type[Model],
    place: str,
    entry: dict[str, Any],
    what: tuple[str, str, str],
) -> bool:
    """Takes tags that are not accepted out of an entry, which stay as they are; says if the rest can be written."""
    if description.refuses(place, *what):
        return False
    kind, called, id = what
    objections = _objections(model, entry)
    for name in objections:
        if name in entry and name == "tags":
            value = entry.pop(name)
            reason = f"{value!r} cannot be written here; it stays as it is"
            rejected = Message("value-rejected", reason, key=name, value=value)
            description.leave(f"{name} of {kind}", called, rejected, id, whole=False)
    rest = _objections(model, entry)
    if rest:
        reason = "; ".join(sorted(set(rest.values())))
        description.leave(kind, called, Message("value-rejected", reason, keys=sorted(rest)), id)
    return not rest


# Settings of the account


def _settings(inventory: Inventory) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the controls that stand everywhere as Strata sets them, if the provider imports them."""
    for name, model in Security.kinds(Setting).items():
        by_region = inventory.settings.get(name, {})
        if name not in _IMPORTED or not by_region:
            continue
        entries = [as_control(model, values) for values in by_region.values()]
        if entries[0] and all(entry == entries[0] for entry in entries):
            yield name, entries[0]


def as_control(model: type[Setting], values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the control that sets what AWS has of a setting, by Terraform's arguments; nothing where none does."""
    entry = {
        parameter: values[argument]
        for parameter, argument in model.arguments.items()
        if values.get(argument) not in (None, model.model_fields[parameter].default)
    }
    if valid(model, entry) and model.model_validate(entry).is_as_set(values):
        return {"mode": Mode.ON, **entry}
    return {}


_IMPORTED = ("ebs_encryption", "snapshot_public_access", "s3_public_access", "password_policy")
"""Settings that the AWS provider imports; it makes the others anew, which a first plan would show."""


def _entitled(inventory: Inventory, description: Description) -> None:
    """Names what Account access manager gives, which no configuration describes."""
    if isinstance(inventory.entitlements, str):
        text = f"Account access manager could not be read: {inventory.entitlements}."
        description.looks.append(Message("part-unread", text, part=ENTITLEMENTS))
        return
    names = _called(inventory)
    for principal, role, *_ in inventory.entitlements:
        who = names.get(principal, principal)
        reason = Message("not-declarable", "Account access manager gives it, beside permission sets")
        description.leave("entitlement", f"{role} for {who}", reason)


def _leave_details(inventory: Inventory, project: Project, description: Description) -> None:
    """Names what AWS has of described things, and of the organization, and no field of the configuration holds."""
    organization = inventory.organization
    types = {SERVICE_CONTROL, *(policy["type"] for policy in description.organization["policies"].values())}
    unused = Message("policy-type-unused", "it is on, and no policy of it is described; it stays on")
    for type in sorted({*organization.policy_types} - types):
        description.leave("policy type", type, unused)
    no_field = Message("no-field", "the configuration has no field for it; it stays as it is")
    words = {id: WORDS[kind] for kind, known in description.keys.items() for id in known}
    management = [account for account in organization.accounts if account.id == organization.management]
    taggable: list[at_aws.LiveAccount | at_aws.LiveUnit | at_aws.LivePolicy]
    taggable = [*management, *organization.units, *organization.policies]
    for thing in taggable:
        own = {tag for tag in thing.tags if not tag.startswith("aws:")} - {*OWN_TAGS, *project.tags}
        if thing.id in words and own:
            description.leave(f"tags of {words[thing.id]}", thing.name, no_field, thing.id, whole=False)


def _called(inventory: Inventory) -> dict[str, str]:
    """Returns what AWS calls what it has, by id."""
    return {id: name for some in live_names(inventory).values() for id, name in some.items()}


# The organization


@dataclass
class _Organization:
    inventory: Inventory
    live: LiveOrganization
    project: Project
    description: Description

    def describe(self) -> None:
        units = _names(UNIT, self.inventory, {unit.id for unit in self._describable_units()})
        self.description.keys["ou"] = keys("unit", units)
        accounts = self._accounts()
        self.description.organization = {
            "trusted_services": sorted(self.live.trusted_services),
            "disable_services": [] if ACCOUNT_MANAGEMENT in self.live.trusted_services else [ACCOUNT_MANAGEMENT],
            "unmanaged_accounts": self._unmanaged(),
            "organizational_units": self._tree(self.live.root),
            "accounts": accounts,
            "policies": self._policies(),
            "delegated_administrators": self._delegations(),
        }
        self.description.full_access = self._full_access()
        self.description.looks += self._looks()

    @property
    def _members(self) -> list[at_aws.LiveAccount]:
        return [
            account for account in self.live.accounts if account.state == ACTIVE and account.id != self.live.management
        ]

    def _looks(self) -> Iterator[Message]:
        """Yields what Strata takes for granted and is otherwise here."""
        if ACCESS_ANALYZER in self.description.organization["delegated_administrators"]:
            text = (
                f"{ACCESS_ANALYZER} is delegated: if the management account has no service-linked role of it, which is "
                "AWSServiceRoleForAccessAnalyzer, the first deploy of organizations makes it, and nothing else there."
            )
            yield Message("role-may-be-made", text, service=ACCESS_ANALYZER)
        if CONTROL_TOWER in self.live.trusted_services:
            text = (
                "Control Tower runs this organization: what it looks after is external, and no deploy changes it. "
                "docs/coming-from.md says who opens and moves accounts."
            )
            yield Message("control-tower", text)
        if SERVICE_CONTROL not in self.live.policy_types:
            text = (
                "Service control policies are off: the first deploy switches them on, and AWS attaches FullAWSAccess "
                "to everything then."
            )
            yield Message("policy-type-off", text, type=SERVICE_CONTROL)
            return
        if FULL_ACCESS.removeprefix("p-") in self.description.full_access:
            text = (
                "FullAWSAccess is not attached where policies.FullAWSAccess of organization.yaml has detached, so only "
                "what other policies allow is allowed there. Strata neither attaches nor detaches it."
            )
            yield Message("full-access-not-attached", text)

    def _describable_units(self) -> Iterator[at_aws.LiveUnit]:
        """Yields units but those whose names no configuration can have, which stay as they are with all in them."""
        objections = _unit_objections(self.live.units)
        for unit in self.live.units:
            reason = self._why_not_in(unit.parent) or objections.get(unit.id)
            if reason:
                self.description.leave("organizational unit", unit.name, reason, unit.id)
            else:
                yield unit

    def _why_not_in(self, parent: str) -> Message | None:
        """Returns why nothing in a unit can be described: the unit is not."""
        if parent not in self.description.reasons:
            return None
        name = next(unit.name for unit in self.live.units if unit.id == parent)
        text = f"it is in organizational unit {parent} {name}, which is not described"
        return Message("not-described", text, missing="organizational unit", unit=parent)

    def _tree(self, parent: str) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for unit in self.live.units:
            if unit.parent == parent and unit.id in self.description.keys["ou"]:
                key = self.description.keys["ou"][unit.id]
                below = self._tree(unit.id)
                tree[key] = {"name": unit.name, **({"organizational_units": below} if below else {})}
        return dict(sorted(tree.items()))

    def _accounts(self) -> dict[str, Any]:
        active, prefix = self._members, default_name(self.project, "")
        names = list[tuple[str, list[str]]]()
        for id, (name, mailbox, *others) in _names(ACCOUNT, self.inventory, {account.id for account in active}):
            # Without the project's name in front of it, where a key can begin with the rest.
            rest = name[len(prefix) :] if name.lower().startswith(prefix.lower()) else name
            best = rest if slug(rest)[:1].isalpha() else name
            names.append((id, [best if slug(best) else mailbox, mailbox, *others]))
        chosen = keys("account", names)
        described: dict[str, Any] = {}
        for account in active:
            key, what = chosen[account.id], ("account", account.name, account.id)
            if reason := self._why_not_in(account.parent):
                self.description.leave(what[0], what[1], reason, account.id)
                continue
            parent = "root" if account.parent == self.live.root else self.description.keys["ou"][account.parent]
            fields = _written(ACCOUNT, account, name=default_name(self.project, key))
            entry = {"email": account.email, "organizational_unit": parent, **fields}
            if _accepted(self.description, AccountEntry, f"accounts.{key}", entry, what):
                self.description.keys["account"][account.id] = key
                described[key] = entry
        self.description.keys["account"][self.live.management] = MANAGEMENT
        return dict(sorted(described.items()))

    def _unmanaged(self) -> list[str]:
        declared = self.description.keys["account"]
        others = [account for account in self.live.accounts if account.id not in declared]
        for account in others:
            if account.state != ACTIVE:
                reason = f"it is {account.state.lower().replace('_', ' ')}"
                closed = Message("account-inactive", reason, state=account.state)
                self.description.leave("account", account.name, closed, account.id)
        return [account.id for account in others]

    # Policies

    def _full_access(self) -> dict[str, Any]:
        """Describes where AWS's policies that allow everything are not attached, of the types that are on."""
        described = dict[str, Any]()
        there = (self.live.root, *self.description.keys["ou"], *(account.id for account in self._members))
        for type, policy in full_access(self.live):
            if detached := self._named([id for id in there if id not in policy.targets]):
                described[policy.name] = {"external": True, "type": type.value, "detached": detached}
        return described

    def _policies(self) -> dict[str, Any]:
        types = {policy_type.value for policy_type in PolicyType}
        some = [
            policy for policy in self.live.policies if not policy.aws_managed and self._can_be_declared(policy, types)
        ]
        names = _names(POLICY, self.inventory, {policy.id for policy in some})
        chosen = keys("policy", names)
        described: dict[str, Any] = {}
        for policy in some:
            key, what = chosen[policy.id], ("policy", policy.name, policy.id)
            entry = self._policy(policy, key)
            if _accepted(self.description, PolicyEntry, f"policies.{key}", entry, what):
                self.description.keys["policy"][policy.id] = key
                if "file" in entry:
                    self.description.documents[entry["file"]] = policy.content
                described[key] = entry
        return dict(sorted(described.items()))

    def _can_be_declared(self, policy: at_aws.LivePolicy, types: set[str]) -> bool:
        if policy.type not in types:
            text = f"policies of the type {policy.type} cannot be declared"
            reason = Message("not-declarable", text, type=policy.type)
        elif policy.type not in self.live.policy_types:
            text = f"the policy type {policy.type} is off, and Strata would switch it on"
            reason = Message("policy-type-off", text, type=policy.type)
        elif (service := aws_limits().policy_types[policy.type].service) not in (None, *self.live.trusted_services):
            text = f"its type needs trusted access for {service}, which is off, and Strata would switch it on"
            reason = Message("trusted-access-off", text, service=service)
        else:
            return True
        self.description.leave("policy", policy.name, reason, policy.id)
        return False

    def _policy(self, policy: at_aws.LivePolicy, key: str) -> dict[str, Any]:
        """Describes a policy, by its name where others look after it, or no file can have it."""
        for id in policy.targets:
            if id not in (self.live.root, *self.description.keys["ou"], *self.description.keys["account"]):
                what = "organizational unit" if id.startswith("ou-") else "account"
                self.description.leave("attachment", f"{policy.name} on {id}", _not_described(what))
        fields = _written(POLICY, policy, name=key)
        targets = {"targets": targets} if (targets := self._named(policy.targets)) else {}
        keeper = _kept(self.description, "policy", policy.name, keeper_at(self.inventory, policy.name, policy.tags))
        reason = self._twin(policy)
        if "{{" in policy.content:
            text = "its document contains {{, which stands for a value in a policy file"
            reason = Message("document-has-braces", text)
        if keeper or _external_own(self.description, "policy", policy.name, reason):
            return {"external": True, "type": policy.type, **_name_of(fields), **targets}
        return {"type": policy.type, "file": f"policies/{key}.json", **fields, **targets}

    def _twin(self, policy: at_aws.LivePolicy) -> Message | None:
        """Returns why a deploy would not find a new policy by its name: Terraform takes the name of another for it."""
        for other in self.live.policies:
            if other.id != policy.id and other.type == policy.type and exact(other.name) == exact(policy.name):
                text = (
                    f"Terraform takes {other.id} for it, whose name differs in Unicode's form alone; rename that at AWS"
                )
                return Message("name-taken", text, value=policy.name)
        return None

    def _named(self, ids: Collection[str]) -> dict[str, Any]:
        """Returns what is described of the root, units and accounts of some ids."""
        units = [self.description.keys["ou"][id] for id in ids if id in self.description.keys["ou"]]
        accounts = [self.description.keys["account"][id] for id in ids if id in self.description.keys["account"]]
        return {
            **({"root": True} if self.live.root in ids else {}),
            **({"organizational_units": sorted(units)} if units else {}),
            **({"accounts": sorted(accounts)} if accounts else {}),
        }

    def _delegations(self) -> dict[str, str]:
        described: dict[str, str] = {}
        for service, ids in sorted(self.live.delegations.items()):
            accounts = [self.description.keys["account"].get(id, id) for id in ids]
            reason = self.description.refused.get(f"delegated_administrators.{service}")
            if service not in self.live.trusted_services:
                off = "trusted access for the service is off, and Strata would switch it on"
                reason = Message("trusted-access-off", off, service=service)
            declared = min((account for account in accounts if account not in ids), default=None)
            for account in sorted(accounts):
                name = f"{account} for {service}"
                if reason or account in ids:
                    self.description.leave("delegated administrator", name, reason or _not_described("account"))
                elif account != declared:
                    text = f"one account a service can be declared, and that is {declared}"
                    other = Message("one-administrator-a-service", text, service=service, account=declared)
                    self.description.leave("delegated administrator", name, other)
            if declared and not reason:
                described[service] = declared
        return described


def _kept(description: Description, kind: str, name: str, keeper: Message | None) -> Message | None:
    """Names what others look after, with who does, if anybody does."""
    if keeper:
        description.kept[keeper].append(f"{kind} '{name}'")
    return keeper


def _by_provider() -> Message:
    return Message("made-by-provider", "an identity provider made it")


def _external_own(description: Description, kind: str, name: str, reason: Message | None) -> Message | None:
    """Names what is external although nobody else looks after it, with the reason, if there is any."""
    if reason:
        text = f"{kind} '{name}' is external, so that no deploy changes it: {reason}."
        description.looks.append(reason.saying(text, kind=kind, name=name))
    return reason


def _name_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": fields["name"]} if "name" in fields else {}


def _not_described(thing: str) -> Message:
    return Message("not-described", f"the {thing} is not described", missing=thing)


# Identity Center


@dataclass
class _Center:
    inventory: Inventory
    live: LiveCenter
    description: Description
    literal: bool = field(kw_only=True)

    def describe(self) -> None:
        sets = self._permission_sets()
        users = self._users()
        self.description.sso = {"users": users, "groups": self._groups(), "permission_sets": sets}
        self._grants()
        self.description.sso["assignments"] = [_rule(assignment) for assignment in self.description.assignments]
        # The attributes for access control go together: all of them are described, or none.
        attributes = dict(sorted((self.live.attributes or {}).items()))
        if reason := objection(Sso, "access_control_attributes", attributes):
            self.description.leave("attributes for access control", ", ".join(attributes), reason)
        elif attributes:
            self.description.sso["access_control_attributes"] = attributes

    # People

    def _users(self) -> dict[str, Any]:
        chosen = keys("user", _names(USER, self.inventory))
        needed = {assignment.principal for assignment in self.live.assignments}
        needed |= {id for group in self.live.groups if not group.external for id in group.members}
        described: dict[str, Any] = {}
        for user in self.live.users:
            entry = self._user(user)
            if entry.get("external") and user.id not in needed and not self._keeper(user):
                text = "an identity provider made it" if user.external else _UNWRITABLE
                case = "made-by-provider" if user.external else "user-not-writable"
                self.description.leave("user", user.user_name, Message(case, f"{text}, and nothing names it"), user.id)
            elif _accepted(
                self.description, User, f"users.{chosen[user.id]}", entry, ("user", user.user_name, user.id)
            ):
                self.description.keys["user"][user.id] = chosen[user.id]
                described[chosen[user.id]] = entry
                if entry.get("external"):
                    keeper = _by_provider() if user.external else Message("user-not-writable", _UNWRITABLE)
                    _kept(self.description, "user", user.user_name, self._keeper(user) or keeper)
        return dict(sorted(described.items()))

    def _keeper(self, user: at_aws.LiveUser) -> Message | None:
        return keeper_at(self.inventory, user.display_name)

    def _user(self, user: at_aws.LiveUser) -> dict[str, Any]:
        """Describes a user; whom somebody else looks after, or Strata cannot write, is referred to."""
        reference = {"external": True, "user_name": user.user_name}
        if user.external or self._keeper(user) or len(user.emails) != 1:
            return reference
        shown = f"{user.given_name} {user.family_name}"
        entry = _written(USER, user, user_name=user.emails[0], display_name=user.display_name and shown)
        return entry if valid(User, entry) or valid(User, {**entry, "display_name": None}) else reference

    def _groups(self) -> dict[str, Any]:
        chosen = keys("group", _names(GROUP, self.inventory))
        known = self.description.keys
        holders = {
            assignment.principal
            for assignment in self.live.assignments
            if assignment.permission_set in known["permission-set"]
        }
        described: dict[str, Any] = {}
        same = Counter(group.name.casefold() for group in self.live.groups)
        for group in self.live.groups:
            keeper = _by_provider() if group.external else keeper_at(self.inventory, group.name)
            if group.external and group.id not in holders:
                text = "an identity provider made it, and none of the permission sets here names it"
                reason = Message("made-by-provider", text)
                self.description.leave("group", group.name, reason, group.id)
            elif same[group.name.casefold()] > 1:
                taken = Message("name-taken", "another group has the same name", value=group.name)
                self.description.leave("group", group.name, taken, group.id)
            elif not self.description.refuses(f"groups.{chosen[group.id]}", "group", group.name, group.id):
                entry = self._group(group, chosen[group.id], external=bool(keeper))
                if _accepted(self.description, GroupEntry, "", entry, ("group", group.name, group.id)):
                    self.description.keys["group"][group.id] = chosen[group.id]
                    described[chosen[group.id]] = entry
                    _kept(self.description, "group", group.name, keeper)
        return dict(sorted(described.items()))

    def _group(self, group: at_aws.LiveGroup, key: str, *, external: bool) -> dict[str, Any]:
        fields = _written(GROUP, group, name=key, description=group.description if external else "")
        if external:
            return {**fields, "external": True}
        members = [self.description.keys["user"][id] for id in group.members if id in self.description.keys["user"]]
        for id in group.members:
            if id not in self.description.keys["user"]:
                self.description.leave("membership", f"{self._name(id)} in {group.name}", _not_described("user"))
        return {**fields, **({"members": sorted(members)} if members else {})}

    # Permission sets

    def _permission_sets(self) -> dict[str, Any]:
        names, policies = _names(SET, self.inventory), self.description.keys["policy"].values()
        ends = [key.removesuffix(INLINE_END) for key in policies if key.endswith(INLINE_END)]
        chosen = keys("Set", names, taken=ends, lower=False)  # a path has a single document
        described: dict[str, Any] = {}
        for permission_set in self.live.permission_sets:
            key, what = chosen[permission_set.arn], ("permission set", permission_set.name, permission_set.arn)
            keeper = keeper_at(self.inventory, permission_set.name, permission_set.tags)
            _kept(self.description, "permission set", permission_set.name, keeper)
            place = f"permission_sets.{key}"
            beyond = self.description.refused.get(place)
            beyond = beyond if beyond and beyond.id in _BEYOND else None
            entry = self._permission_set(permission_set, key)
            objections = _objections(PermissionSetEntry, entry)
            said = (objection for field, objection in objections.items() if field not in ("name", "tags"))
            reason = beyond or next(said, None)  # a deploy would set another
            if "{{" in permission_set.inline:
                text = "its inline policy contains {{, which stands for a value here"
                reason = Message("document-has-braces", text)
            external = keeper or _external_own(self.description, "permission set", permission_set.name, reason)
            if external:
                entry = {"external": True, **_name_of(entry)}
            place = "" if beyond else place  # AWS has it, and external it is not counted
            if _accepted(self.description, PermissionSetEntry, place, entry, what):
                self.description.keys["permission-set"][permission_set.arn] = key
                if permission_set.inline and not external:
                    self.description.documents[inline_file(key)] = permission_set.inline
                described[key] = entry
        return dict(sorted(described.items()))

    def _permission_set(self, permission_set: at_aws.LivePermissionSet, key: str) -> dict[str, Any]:
        inline = [{"inline": inline_file(key)}] if permission_set.inline else []
        return {
            **_written(SET, permission_set, name=key, session_duration=DEFAULT_SESSION),
            "policies": [
                *map(live_policy, permission_set.aws_managed),
                *map(live_policy, permission_set.customer_managed),
                *inline,
            ],
            **({"boundary": live_policy(permission_set.boundary)} if permission_set.boundary else {}),
        }

    # Access

    def _grants(self) -> None:
        users, groups = self.description.keys["user"], self.description.keys["group"]
        accounts, sets = self.description.keys["account"], self.description.keys["permission-set"]
        described: set[Grant] = set()
        apart: Counter[tuple[str, Message]] = Counter()
        for assignment in self.live.assignments:
            principals = users if assignment.principal_type == "USER" else groups
            needed = {
                "permission set": assignment.permission_set in sets,
                "account": assignment.account in accounts,
                "user or group": assignment.principal in principals,
            }
            if missing := [thing for thing, is_described in needed.items() if not is_described]:
                reason = _not_described(missing[0])
                apart[f"{self._name(assignment.permission_set)} of {self._name(assignment.principal)}", reason] += 1
            else:
                grant = (
                    accounts[assignment.account],
                    sets[assignment.permission_set],
                    assignment.principal_type,
                    principals[assignment.principal],
                )
                described.add(Grant(*grant))
        for (name, reason), count in sorted(apart.items()):
            self.description.leave("assignment", f"{name} in {counted(count, 'account')}", reason)
        for orphan in sorted(self.live.orphans):
            name = f"{self._name(orphan.permission_set)} of {orphan.principal} in {orphan.account}"
            self.description.leave("assignment", name, Message("principal-deleted", "its user or group was deleted"))
        declared = DeclaredOrganization.model_validate(self.description.organization)
        self.description.grants = frozenset(described)
        full = keys_with_full_access(self.inventory, sets)
        self.description.assignments = fold(described, declared, literal=self.literal, full=full)

    def _name(self, id: str) -> str:
        return self._called.get(id, id)

    @cached_property
    def _called(self) -> dict[str, str]:
        return _called(self.inventory)


def _rule(rule: Assignment) -> dict[str, Any]:
    """Returns an assignment as it stands in the YAML."""
    fields = {
        "permission_sets": list(rule.permission_sets),
        "groups": list(rule.groups),
        "users": list(rule.users),
        "accounts": rule.accounts if rule.accounts == "all" else list(rule.accounts),
        "organizational_units": list(rule.organizational_units),
    }
    return {name: value for name, value in fields.items() if value}


_BEYOND = frozenset({"too-many", "text-too-long", "not-latin-1"})
"""The ids of faults of a permission set that has more than AWS gives unasked."""
