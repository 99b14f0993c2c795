"""All kinds of things, in the order in which lines that take something back work: what hangs on others first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from strata.config import moves
from strata.kinds.account import ACCOUNT
from strata.kinds.assignment import ASSIGNMENT, ENTITLEMENT
from strata.kinds.attribute import ATTRIBUTE
from strata.kinds.control import CONTROLS, SIGN_IN_ALERT
from strata.kinds.detection import OF_DETECTION
from strata.kinds.group import GROUP, MEMBERSHIP
from strata.kinds.kind import Key, Kind, Resource
from strata.kinds.members import OF_ACCOUNTS
from strata.kinds.organization import DELEGATED, ORGANIZATION, RAM_SHARING, ROOT_ACCESS, TRUSTED
from strata.kinds.permission_set import BOUNDARY, INLINE, SET, SET_POLICY
from strata.kinds.policy import ATTACHMENT, POLICY, POLICY_TYPE
from strata.kinds.setting import SETTING
from strata.kinds.store import STATE, STORE
from strata.kinds.unit import UNIT
from strata.kinds.user import USER
from strata.landing_zone import LandingZone

KINDS: tuple[Kind, ...] = (
    *(ASSIGNMENT, ENTITLEMENT, MEMBERSHIP, BOUNDARY, INLINE, SET_POLICY, SET, GROUP, USER, ATTRIBUTE, SIGN_IN_ALERT),
    *(ATTACHMENT, POLICY, DELEGATED, ACCOUNT, UNIT, POLICY_TYPE, ROOT_ACCESS, TRUSTED, RAM_SHARING, ORGANIZATION),
    *(*OF_ACCOUNTS, *OF_DETECTION, SETTING, *CONTROLS, STORE),
)
RESOURCES: Mapping[str, Resource] = {resource.type: resource for kind in KINDS for resource in kind.resources}
"""By Terraform type."""
KEYED: Mapping[Key, Kind] = {kind.key: kind for key in moves.KINDS for kind in KINDS if kind.key == key}
"""The kinds whose things have keys, in the order of moves.yaml's words."""

TYPES: Mapping[Key, str] = {key: kind.type for key, kind in KEYED.items()}
"""Their Terraform types; an address is `<type>.<key>`."""
WORDS: Mapping[Key, str] = {key: kind.name for key, kind in KEYED.items()}
STACKS: Mapping[Key, str] = {key: kind.stack for key, kind in KEYED.items()}
FREE_NAMES: tuple[Key, ...] = ("ou", "policy", "group", "user", "permission-set")
"""Those that are found by a name that anybody may have given before; without an e-mail address that is one's own."""
SECTIONS: Mapping[Key, str] = {key: KEYED[key].section for key in ("user", "group", "permission-set", "policy")}
"""The sections of what is deleted as soon as its entry goes."""


def kind_of(word: str, name: str) -> Kind:
    """Returns the kind of a thing; controls share a word, and the name of each begins with its key."""
    return _BY_WORD.get((word, name.partition(" ")[0])) or _BY_WORD[word, ""]


_BY_WORD: Mapping[tuple[str, str], Kind] = {(kind.name, kind.control): kind for kind in KINDS}


def resource_of(address: str) -> Resource:
    """Returns what is known of the resource of an address, nothing where Strata has none of its type."""
    return RESOURCES.get(address.partition(".")[0], _UNKNOWN)


_UNKNOWN = Resource("", "")


def addresses(landing_zone: LandingZone) -> Mapping[str, frozenset[str]]:
    """Returns the addresses of the resources of every stack, data sources and layers left out."""
    by_stack: defaultdict[str, set[str]] = defaultdict(set)
    for kind in KINDS:
        by_stack[kind.stack].update(kind.addresses(landing_zone))
    return {stack: frozenset(by_stack[stack]) for stack in ("backend", "organizations", "security", "sso")}


def imported(landing_zone: LandingZone) -> frozenset[str]:
    """Returns the addresses that the stacks import by an id or an e-mail address of the configuration."""
    made = (address for some in addresses(landing_zone).values() for address in some)
    by_name = {TYPES[kind] for kind in FREE_NAMES}
    return frozenset(
        address
        for address in made
        if (resource_of(address).imported and address.partition(".")[0] not in by_name) or address == STATE
    )
