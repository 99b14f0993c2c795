"""Rules on the files of layers of one's own: what they say to Strata itself, beside the settings of their code."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION
from strata.config.layers import BASELINE_LAYER
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import ACCESS_ROLE
from strata.config.text import short
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.rules.organization import retired
from strata.rules.reporting import place_problem, report_unknown
from strata.text import listed


def one_stack(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """A layer that is a stack, in the management account, has neither waves nor a role to assume."""
    for name, layer in partial.layers.items():
        for key in sorted(layer.deploying.model_fields_set):
            if not layer.code.in_accounts:
                problem = f"is for layers with a stack in each account, and {name} is one in the management account"
                message = Message("layer-is-one-stack", problem, layer=name)
                yield partial.fault(layer.file, (key,), message, "remove it")


def account(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """The account of a layer's only stack is a member account that is not retired, and there is no order of one."""
    accounts = partial.organization.accounts if partial.organization else {}
    known = partial.declared(ORGANIZATION, "accounts", accounts)
    for name, layer in partial.layers.items():
        if (key := layer.deploying.account) and layer.code.in_accounts and not layer.source:
            yield from report_unknown(partial, layer.file, ("account",), key, known, "account")
            yield from retired(partial, layer.file, ("account",), key)
            for other in sorted(layer.deploying.model_fields_set & {"accounts", "rollout"}):
                problem = f"is for layers with a stack in each account, and {name} has a single one, in {key}"
                message = Message("layer-is-one-stack", problem, layer=name)
                yield partial.fault(layer.file, (other,), message, "remove it, or account")


def accounts(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """The places of a layer's accounts are places that there are."""
    landing_zone = LandingZone.of(partial)
    if landing_zone is None:
        return
    whole = partial.complete(ORGANIZATION, "organizational_units", "accounts")
    for layer in landing_zone.layers.values():
        places = layer.deploying.accounts or () if layer.code.in_accounts else ()
        selector = landing_zone.selector
        found = [place_problem(partial, selector, place, ("accounts", index)) for index, place in enumerate(places)]
        problems = [problem for problem in found if problem]
        yield from (partial.fault(layer.file, problem.at, problem.problem, problem.remedy) for problem in problems)
        if whole and places and not problems and not any(map(layer.is_in, landing_zone.members)):
            message = Message("layer-in-no-account", "names no member account", layer=layer.name)
            yield partial.fault(layer.file, ("accounts",), message, "name some, or delete the file")


def removed_roles(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """No layer enters its accounts by the two roles that an earlier version made for a baseline, which are to go."""
    if not partial.project:
        return
    name = f"{partial.project.short_name}-{BASELINE_LAYER}"
    for layer in partial.layers.values():
        for key, role in layer.deploying.roles or ():
            if role in (name, f"{name}-reader"):
                text = f"{short(role)} is a role that an earlier version made, and that no version keeps any more"
                message = Message("role-gone", text, role=role)
                remedy = f"write {ACCESS_ROLE}, or a role of your own; docs/upgrading.md says more"
                yield partial.fault(layer.file, ("roles", key), message, remedy)


def waves(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Each wave names accounts that no wave before it has, and each account is in one."""
    landing_zone = LandingZone.of(partial)
    if landing_zone is None:
        return
    whole = partial.complete(ORGANIZATION, "organizational_units", "accounts")
    for name, resolved in landing_zone.waves.items():
        layer, at = landing_zone.layers[name], ("rollout", "waves")
        places = layer.deploying.rollout.waves if layer.deploying.rollout and layer.in_each_account else ()
        problems = [
            problem
            for number, wave in enumerate(places)
            for index, place in enumerate(wave)
            if (problem := place_problem(partial, landing_zone.selector, place, (*at, number, index)))
        ]
        yield from (partial.fault(layer.file, problem.at, problem.problem, problem.remedy) for problem in problems)
        for number, accounts in enumerate(resolved if whole and places and not problems else ()):
            if not accounts:
                message = Message("wave-empty", "adds no member account to the waves before it", wave=number + 1)
                yield partial.fault(layer.file, (*at, number), message, "name others, or remove it")
        left = sorted({*filter(layer.is_in, landing_zone.members)} - frozenset[str]().union(*resolved))
        if whole and left and places and not problems:
            message = Message("account-in-no-wave", f"no wave has {listed(left)}", accounts=left)
            yield partial.fault(layer.file, at, message, "add them to one, or the wave [all] at the end")
