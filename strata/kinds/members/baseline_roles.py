"""The reader and the writer of a baseline: made by a step of a deploy, so that no state has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from strata.config import BASELINE
from strata.config.layers import BASELINE_LAYER, IN_ACCOUNT, shipped
from strata.config.models import OWN_TAGS
from strata.errors import Message
from strata.kinds.arguments import Attributes
from strata.kinds.change import Way
from strata.kinds.kind import Ask, account_of
from strata.kinds.members.made import BESIDE, SET, by_step, named
from strata.kinds.members.role import MEMBER_ROLE
from strata.kinds.thing import InStates, Thing
from strata.landing_zone import LandingZone
from strata.landing_zone.baseline_roles import BaselineRole, baseline_roles
from strata.text import listed

POLICY = "baseline"
"""The name of the inline policy."""
HOUR = 3600
"""The longest session, which AWS gives where nothing else is said."""


@dataclass(frozen=True)
class SeenRole:
    """How an account has such a role."""

    wanted: BaselineRole
    is_there: bool = True
    is_ours: bool = True
    """It has the tags by which Strata knows it."""
    differs: tuple[str, ...] = ()
    """Its parts that are not as Strata makes them."""
    others: Mapping[str, bool] = field(default_factory=dict)
    """The policies that others gave it: the ARNs of those attached, and the names of those within."""

    @property
    def as_wanted(self) -> bool:
        """Returns whether it is there, and as Strata makes it."""
        return self.is_there and not self.differs

    @property
    def is_foreign(self) -> bool:
        """Returns whether somebody else made it, for something else; a path is of another, too, and stays."""
        return self.is_there and ("path" in self.differs or (not self.is_ours and {*self.differs} > {"tags"}))

    def setting(self) -> Iterator[Message]:
        """Yields the step that makes it what it should be."""
        name, parts = self.wanted.name, [*self.differs]
        if not self.is_there:
            yield Message("role-to-make", f"make the role {name}", role=name)
        elif parts:
            yield Message("role-to-set", f"set {listed(parts)} of the role {name}", role=name, parts=parts)

    def deleting(self) -> Iterator[Message]:
        """Yields the step that deletes it."""
        if self.is_there and self.is_ours:
            yield Message("role-to-delete", f"delete the role {self.wanted.name}", role=self.wanted.name)


def seen(ask: Ask, wanted: BaselineRole) -> SeenRole:
    """Returns how an account has a role."""
    iam = ask.client("iam")
    answer = ask.unless_absent(partial(iam.get_role, RoleName=wanted.name))
    if answer is None:
        return SeenRole(wanted, is_there=False)
    role, named = answer["Role"], {"RoleName": wanted.name}
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
    inline = [*iam.items("list_role_policies", "PolicyNames[]", **named)]
    attached = [*iam.items("list_attached_role_policies", "AttachedPolicies[].PolicyArn", **named)]
    policy = iam.get_role_policy(**named, PolicyName=POLICY)["PolicyDocument"] if POLICY in inline else None
    others = {**dict.fromkeys(sorted(attached), True), **{name: False for name in sorted(inline) if name != POLICY}}
    same = {
        "path": role["Path"] == "/",
        "trust": role["AssumeRolePolicyDocument"] == wanted.trust,
        "policy": policy == wanted.policy,
        "other policies": not others,
        "boundary": not role.get("PermissionsBoundary"),
        "description": role.get("Description") == wanted.description,
        "session": role.get("MaxSessionDuration", HOUR) == HOUR,
        "tags": wanted.tags.items() <= tags.items(),
    }
    ours = all(tags.get(name) == wanted.tags[name] for name in OWN_TAGS)
    return SeenRole(wanted, True, ours, tuple(part for part in same if not same[part]), others)


# As a kind


_KEY = "baseline_roles"
_FOREIGN = "has not the tags or the path of Strata's"
_AS_MADE: Attributes = {"reader": "as Strata makes it", "writer": "as Strata makes it"}


def _made(zone: LandingZone) -> Iterator[str]:
    layer = zone.layers.get(BASELINE_LAYER)
    # The layer that is there for Config alone sets nothing once that is left to others, and no step looks at its roles.
    yield from filter(layer.is_in, zone.members) if layer and layer.makes_roles and not layer.lets_go else ()


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for account in _made(zone):
        yield Thing(SET, named(_KEY, account), _AS_MADE, BASELINE, ("settings",))


def _recorded(states: InStates) -> Iterator[Thing]:
    """Yields accounts in which the baseline is deployed: its first deploy has made them."""
    for account in _made(states.zone):
        if states.shipped.get(f"{BASELINE_LAYER}{IN_ACCOUNT}{account}"):
            names = states.zone.layers[BASELINE_LAYER].roles.model_dump()
            yield Thing(SET, named(_KEY, account), _AS_MADE, ids=names)


def _asked(ask: Ask) -> Attributes:
    records = any(type.startswith("aws_config_") for type in ask.values.get(BESIDE, ()))
    layer = replace(shipped(BASELINE_LAYER, BASELINE, short_name=ask.project.short_name), records=records)
    roles = dict(zip(_AS_MADE, baseline_roles(ask.project, layer), strict=True))
    answers = {part: seen(ask, role) for part, role in roles.items()}
    return {
        part: _AS_MADE[part]
        if role.as_wanted
        else "gone"
        if not role.is_there
        else _FOREIGN
        if role.is_foreign
        else f"differs in {listed(role.differs)}"
        for part, role in answers.items()
    }


def _way(attribute: str, here: Thing | None, _: Thing | None, now: Thing | None) -> Way | None:
    """Returns what there is to do about a role that a deploy takes for somebody else's."""
    if not (here and now and now.values.get(attribute) == _FOREIGN):
        return None
    account = account_of(now.name)
    text = f"{by_hand(account)}; a deploy makes it what it should be after that"
    return Way(by_hand=Message("role-of-others", text, account=account, role=attribute))


def by_hand(account: str) -> str:
    """Returns what a person does about such a role."""
    return f"delete it in account {account}, or give it back its tags {listed(OWN_TAGS)} if it was Strata's"


BASELINE_ROLES = by_step(
    _KEY,
    declared=_declared,
    recorded=_recorded,
    asked=_asked,
    events=MEMBER_ROLE.events,
    way=_way,
    clues=lambda thing: [(name,) for name in thing.ids.values()],
)
"""The kind of them, both of an account."""
