"""A policy of the organization, its type, and its attachments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from strata.config import ORGANIZATION
from strata.config.models import PolicyType
from strata.errors import Message
from strata.kinds import at_aws, cli
from strata.kinds.arguments import text
from strata.kinds.at_aws import Inventory
from strata.kinds.change import Way, made_again
from strata.kinds.control_tower import keeper_at, taken_back_by
from strata.kinds.identity import Mark, policy_identity
from strata.kinds.kind import AlreadyExists, Ids, Kind, LiveName, Resource
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing, content, declared_content
from strata.landing_zone import LandingZone
from strata.landing_zone.policies import FULL_ACCESS
from strata.landing_zone.services import unknown_types
from strata.landing_zone.units import THE_ROOT, Target

_TYPE, _ATTACHMENT = "aws_organizations_policy", "aws_organizations_policy_attachment"


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for key, policy in zone.policies.items():
        mark = Mark(policy_identity(policy.type.value, policy.name), policy.name)
        document = declared_content(policy.document)
        values = {"name": policy.name, "description": policy.description, "document": document, "id": AS_IT_IS}
        if policy.external:
            yield Thing("policy", key, {}, ORGANIZATION, policy.location, external=True, mark=mark)
            continue
        yield Thing("policy", key, values, ORGANIZATION, policy.location, mark=mark)


def _recorded(states: InStates) -> Iterator[Thing]:
    for key, policy in states.of(_TYPE).items():
        id, name, description, document = (text(policy, name) for name in ("id", "name", "description", "content"))
        values = {"name": name, "description": description, "document": content(document), "id": id}
        mark = Mark(policy_identity(text(policy, "type"), name), name)
        yield Thing("policy", key, values, ids={"id": id}, mark=mark)


def _live(aws: AtAws) -> Iterator[Thing]:
    for policy in aws.inventory.organization.policies:
        key = aws.known["policy"].get(policy.id, "")
        theirs = aws.is_elsewhere(_TYPE, policy.id)
        if policy.aws_managed or theirs:
            continue
        values = {**POLICY.live_fields(policy), "document": content(policy.content), "id": policy.id}
        detached = (_detach(policy.id, target) for target in policy.targets)
        keeper = keeper_at(aws.inventory, policy.name, policy.tags)
        unknown = _unknown_to_provider(policy.type)
        left = keeper or unknown
        undo = () if left else (*detached, cli.line("organizations", "delete-policy", policy_id=policy.id))
        note = unknown or taken_back_by(keeper)
        rights = [values["document"], *policy.targets]
        name, ids = aws.key("policy", policy.id, policy.name), {"id": policy.id}
        external = key in aws.zone.policies and aws.zone.policies[key].external
        yield Thing("policy", name, values, ids=ids, undo=undo, note=note, rights=rights, external=external)


POLICY = Kind(
    "policy",
    "organizations",
    (Resource(_TYPE, "<policy id>", keys=("policy",), id="id", imported=True),),
    key="policy",
    section="policies",
    addresses=lambda zone: (f"{_TYPE}.{key}" for key, policy in zone.policies.items() if not policy.external),
    declared=_declared,
    recorded=_recorded,
    live=_live,
    named=lambda inventory, _: (
        LiveName(live.id, live.name, policy_identity(live.type, live.name), names)
        for live in inventory.organization.policies
        for names in ([live.name, live.type.removesuffix("_POLICY"), live.id],)
    ),
    live_fields=lambda live: {"name": live.name, "description": live.description},
    fields={"name": "name", "description": "description"},
    wanted=lambda zone, _, ids: (
        (f"{_TYPE}.{key}", ids["policy"][key])
        for key, policy in zone.policies.items()
        if not policy.external and key in ids["policy"]
    ),
    import_ids=lambda inventory: ((_TYPE, policy.id) for policy in inventory.organization.policies),
    way=made_again,
)


# Attachments


def _name(policy: str, target: str, key: str = "") -> str:
    return f"{policy} on {target} {key}".strip()


def _detach(policy: str, target: str) -> str:
    return cli.line("organizations", "detach-policy", policy_id=policy, target_id=target)


def _recorded_attachments(states: InStates) -> Iterator[Thing]:
    for name, attachment in states.of(_ATTACHMENT).items():
        policy, _, target = name.partition("_")
        kind, _, key = target.partition("_")
        ids = {"policy": text(attachment, "policy_id"), "target": text(attachment, "target_id")}
        yield Thing("attachment", _name(policy, "unit" if kind == "ou" else kind, key), ids=ids)


def full_access(organization: at_aws.LiveOrganization) -> Iterator[tuple[PolicyType, at_aws.LivePolicy]]:
    """Yields AWS's policies that allow everything, of the types that are on."""
    for type, name in FULL_ACCESS.items():
        for policy in organization.policies if type in organization.policy_types else ():
            if policy.aws_managed and (policy.type, policy.name) == (type, name):
                yield type, policy


def _with_full_access(aws: AtAws) -> dict[str, Target]:
    """Returns what has such a policy by default, by id."""
    targets = {aws.inventory.organization.root: THE_ROOT}
    targets |= {id: Target("unit", key) for id, key in aws.known["ou"].items() if key in aws.zone.units}
    return targets | {id: Target("account", key) for id, key in aws.known["account"].items() if key in aws.zone.members}


def full_access_of(attachment: str) -> PolicyType | None:
    """Returns the type of such a policy, by the name of its attachment."""
    name = attachment.partition(" on ")[0]
    return next((type for type, full in FULL_ACCESS.items() if full == name), None)


def _attached_full(policy: at_aws.LivePolicy, id: str, target: Target, *undo: str) -> Thing:
    name = _name(policy.name, target.kind, "" if target == THE_ROOT else target.key)
    ids = {"policy": policy.id, "target": id}
    void = Message("allow-list-void", "while it is attached, an allow list there restricts nothing")
    return Thing("attachment", name, ids=ids, undo=undo, note=void if undo else "", external=True)


def _live_attachments(aws: AtAws) -> Iterator[Thing]:
    """Yields the targets of what is declared or deployed: the others are told with their policy."""
    targets = _with_full_access(aws)
    for _, full in full_access(aws.inventory.organization):
        yield from (_attached_full(full, id, targets[id], _detach(full.id, id)) for id in full.targets if id in targets)
    for policy in aws.inventory.organization.policies:
        key = aws.known["policy"].get(policy.id)
        if policy.aws_managed or not key or aws.is_elsewhere(_TYPE, policy.id):
            continue
        external = key in aws.zone.policies and aws.zone.policies[key].external
        for target in policy.targets:
            id, ids = f"{target}:{policy.id}", {"policy": policy.id, "target": target}
            if target == aws.inventory.organization.root:
                name = _name(key, "root")
            elif target.startswith("ou-"):
                name = _name(key, "unit", aws.place(target))
            else:
                name = _name(key, "account", aws.account(target))
            if not aws.is_elsewhere(_ATTACHMENT, id):
                undo = (_detach(policy.id, target),)
                yield Thing("attachment", name, ids=ids, undo=undo, external=external)


def _attached_again(_: str, here: Thing | None, before: Thing | None, now: Thing | None) -> Way | None:
    """Returns the line that attaches AWS's own policy again, which no deploy does."""
    if now or not (here and before and full_access_of(here.name)):
        return None
    ids = {"policy_id": before.ids["policy"], "target_id": before.ids["target"]}
    return Way(undo=(cli.line("organizations", "attach-policy", **ids),))


def _wanted(zone: LandingZone, inventory: Inventory, ids: Ids) -> Iterator[tuple[str, str]]:
    for key, policy in zone.policies.items():
        for target in () if policy.external else policy.attachments:
            of_kind = ids["ou" if target.unit else "account"]
            at = inventory.organization.root if target.kind == "root" else of_kind.get(target.key)
            if at and key in ids["policy"]:
                yield f"{_ATTACHMENT}.{key}_{target.address_part}", f"{at}:{ids['policy'][key]}"


ATTACHMENT = Kind(
    "attachment",
    "organizations",
    (
        Resource(
            _ATTACHMENT,
            "<target>:<policy id>",
            keys=("policy",),
            branches={"ou": "ou", "account": "account"},
            references=("policy_id", "target_id"),
            existing=AlreadyExists("DuplicatePolicyAttachmentException", "{target_id}:{policy_id}"),
        ),
    ),
    addresses=lambda zone: (
        f"{_ATTACHMENT}.{key}_{target.address_part}"
        for key, policy in zone.policies.items()
        if not policy.external
        for target in policy.attachments
    ),
    wanted=_wanted,
    import_ids=lambda inventory: (
        (_ATTACHMENT, f"{target}:{policy.id}")
        for policy in inventory.organization.policies
        for target in policy.targets
    ),
    declared=lambda zone: (
        Thing("attachment", name, {}, ORGANIZATION, location, external=policy.external)
        for key, policy in zone.policies.items()
        for target, location in policy.attachments.items()
        for name in (_name(key, target.kind, "" if target.kind == "root" else target.key),)
    ),
    recorded=_recorded_attachments,
    live=_live_attachments,
    given=lambda aws: (
        _attached_full(policy, id, target)
        for type, policy in full_access(aws.inventory.organization)
        for id, target in _with_full_access(aws).items()
        if (type, target) not in aws.zone.without_full_access
    ),
    way=_attached_again,
)


# Types


def _types(aws: AtAws) -> Iterator[Thing]:
    live = aws.inventory.organization
    for type in live.policy_types:
        line = cli.line("organizations", "disable-policy-type", root_id=live.root, policy_type=type)
        unknown = _unknown_to_provider(type)
        note = unknown or Message("detaches-all-policies", "the line detaches every policy of this type")
        yield Thing("policy type", type, undo=() if unknown else (line,), note=note, noted=True)


def _recorded_types(states: InStates) -> Iterator[Thing]:
    """Yields the types; a state notes others that were on as well, which no deploy switches off.

    Those were declared once, or somebody else switched them on before the last deploy. Their policies are told
    themselves.
    """
    for organization in states.of("aws_organizations_organization").values():
        roots = organization.get("roots") or ()
        ids = {"root": str(roots[0]["id"])} if roots else {}
        for type in map(str, organization.get("enabled_policy_types") or ()):
            yield Thing("policy type", type, ids=ids, noted=type not in states.zone.policy_types)


def _types_of_layers(aws: AtAws) -> Iterator[Thing]:
    """Yields the types that are on for policies of your own layers."""
    live = aws.inventory.organization
    theirs = {policy.type for policy in live.policies if aws.is_elsewhere(_TYPE, policy.id)} - {*aws.zone.policy_types}
    for type in theirs.intersection(live.policy_types):
        yield Thing("policy type", type)


def _on_again(_: str, here: Thing | None, before: Thing | None, now: Thing | None) -> Way | None:
    """Returns the line for a type that was switched off and that nobody declares: no deploy does it."""
    if here or now or not (before and before.ids):
        return None
    line = cli.line("organizations", "enable-policy-type", root_id=before.ids["root"], policy_type=before.name)
    return Way(undo=(line,))


def _unknown_to_provider(type: str) -> Message | Literal[""]:
    """Returns what to do where only another tool can have declared what is there."""
    if not unknown_types([type]):
        return ""
    text = f"the AWS provider does not know {type}: have it taken away by whoever works with policies of this type"
    return Message("policy-type-unknown", text, type=type)


POLICY_TYPE = Kind(
    "policy type",
    "organizations",
    declared=lambda zone: (
        Thing("policy type", policy_type.value, {}, ORGANIZATION, ("policies",)) for policy_type in zone.policy_types
    ),
    recorded=_recorded_types,
    live=_types,
    given=_types_of_layers,
    way=_on_again,
    stays=True,
)
"""An argument of the organization."""
