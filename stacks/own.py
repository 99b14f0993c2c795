"""The stacks of layers of one's own, which `stacks/layers/` has and `config/layers/<name>.yaml` switches on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Any

from cdktf import App

from stacks.account import MemberAccount
from stacks.base import BaseStack
from stacks.organizations import OrganizationsStack
from strata.config.layers import GIVEN, Layer, stack_name
from strata.landing_zone import LandingZone


def own_layers(
    app: App,
    landing_zone: LandingZone,
    stacks: Mapping[str, BaseStack],
    organizations: OrganizationsStack,
    without: Collection[str] = (),
) -> Iterator[BaseStack]:
    """Yields the stacks of all layers: one in the management account, or one in each member account."""
    made = dict(stacks)
    for layer in landing_zone.layers.values():
        kind = import_module(f"stacks.layers.{layer.code.folder.name}.stack").Stack
        given = _given(layer, landing_zone, made)
        if not layer.code.in_accounts:
            made[layer.name] = kind(app, layer.name, **given)
            yield made[layer.name]
            continue
        for account in _accounts(layer, landing_zone, organizations):
            if layer.stack_in(account.key) not in without:
                yield kind(app, layer.stack_in(account.key), **given, account=account)


def _given(layer: Layer, landing_zone: LandingZone, made: Mapping[str, BaseStack]) -> dict[str, Any]:
    ours = {"landing_zone": landing_zone, "settings": layer.settings}
    asked = (one for one in layer.code.inputs if one != "account")
    return {one: ours[one] if one in GIVEN else made[stack_name(one)] for one in asked}


def _accounts(layer: Layer, landing_zone: LandingZone, organizations: OrganizationsStack) -> Iterator[MemberAccount]:
    for key, declared in landing_zone.members.items():
        id, roles = organizations.accounts[key].id, layer.deploying.roles
        yield MemberAccount(key, id, declared, landing_zone.project, layer.name, roles)
