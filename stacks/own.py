"""The stacks of layers of one's own, which `stacks/layers/` has and `config/layers/<name>.yaml` switches on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from cdktf import App

from stacks.account import MemberAccount
from stacks.base import BaseStack
from stacks.organizations import OrganizationsStack
from strata.config.layers import ARCHIVE, BASELINE_LAYER, GIVEN, Layer, baseline_in, stack_name
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import recorders_of


def own_layers(
    app: App,
    landing_zone: LandingZone,
    stacks: Mapping[str, BaseStack],
    organizations: OrganizationsStack,
    absent: Collection[str] = (),
) -> Iterator[BaseStack]:
    """Yields the stacks of all layers: a single stack in the management account, or one in each member account.

    Args:
        app: what they are stacks of.
        landing_zone: the configuration.
        stacks: those that a layer may read from.
        organizations: the stack that makes the accounts.
        absent: stacks that are not made, since no state has anything for them to let go.

    Raises:
        LookupError: a layer reads from a stack whose account is closed.
    """
    there = dict(stacks)
    for layer in landing_zone.layers.values():
        in_accounts = layer.code.in_accounts
        module = import_module(f"{layer.code.package}.stack")
        # Where the archive's account is closed, no bucket is waited for; a run says that nothing arrives there.
        without = {ARCHIVE} - there.keys() if layer.source else set()
        if lacking := [landing_zone.layers[name].stack for name in layer.reads if name not in {*there, *without}]:
            raise LookupError(f"{layer.name} reads from {lacking[0]}, whose account is closed")
        ours = {"landing_zone": landing_zone, "settings": layer.settings}
        asked = [name for name in layer.code.inputs if name not in {"account", *without}]
        given: dict[str, Any] = {name: ours[name] if name in GIVEN else there[stack_name(name)] for name in asked}
        accounts = landing_zone.members if in_accounts else {"": None}
        for key, declared in accounts.items():
            name = layer.stack_in(key) if in_accounts else layer.stack
            if name in absent or (in_accounts and not layer.is_in(key)):
                continue
            if declared:
                id, roles = organizations.accounts[key].id, layer.other_roles
                project = landing_zone.project
                recorders = recorders_of(landing_zone, key) if layer.source else None
                given["account"] = MemberAccount(*(key, id, declared, project, layer.name, roles, recorders))
            stack = _class_of(layer, module)(app, name, **given)
            there[layer.name] = stack  # whoever asks for it has checked that there is one alone
            yield stack
    yield from _leaving(app, landing_zone)


def _class_of(layer: Layer, module: ModuleType) -> Any:
    """Returns the class of a layer's stack, which has a name of its own where it comes with Strata."""
    name = layer.code.folder.name.title().replace("_", "") if layer.source else ""
    return getattr(module, f"{name}Stack")


def _leaving(app: App, landing_zone: LandingZone) -> Iterator[BaseStack]:
    """Yields a stack for each baseline that is forgotten: it has nothing, and what it forgets its state says."""
    for key in sorted(landing_zone.leaving):
        yield BaseStack(app, baseline_in(key), project=landing_zone.project, layer=BASELINE_LAYER)
