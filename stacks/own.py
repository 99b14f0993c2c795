"""The stacks of layers of one's own, which `stacks/layers/` has and `config/layers/<name>.yaml` switches on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from functools import partial
from importlib import import_module
from typing import Any

from cdktf import App

from stacks.account import MemberAccount
from stacks.base import BaseStack
from stacks.organizations import OrganizationsStack
from strata.config.layers import ARCHIVE, BASELINE_LAYER, GIVEN, Code, baseline_in, stack_name
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import recorders_of
from strata.terraform.synthesis import may_change_others


def own_layers(
    app: App,
    landing_zone: LandingZone,
    stacks: Mapping[str, BaseStack],
    organizations: OrganizationsStack,
    without: Collection[str] = (),
    failed: MutableMapping[str, BaseException] | None = None,
) -> Iterator[BaseStack]:
    """Yields the stacks of all layers: a single stack in the management account, or one in each member account.

    Args:
        app: what they are stacks of.
        landing_zone: the configuration.
        stacks: those that a layer may read from.
        organizations: the stack that makes the accounts.
        without: stacks that need not be written.
        failed: gets why a stack, or what reads from it, cannot be made; without it that stops all, as does code that
            may change what other stacks make.
    """
    made = dict(stacks)
    for layer in landing_zone.layers.values():
        in_accounts = layer.code.in_accounts
        in_each = [layer.stack_in(key) for key in landing_zone.members if layer.is_in(key)]
        names = in_each if in_accounts else [layer.stack]
        attempted = partial(_attempted, app, layer.code, failed)
        module = attempted(names, partial(import_module, f"{layer.code.package}.stack"))
        if module is None:
            continue
        # Where the archive's account is closed, no bucket is waited for; a run says that nothing arrives there.
        absent = {ARCHIVE} - made.keys() if layer.source else set()
        if lacking := [landing_zone.layers[name].stack for name in layer.reads if name not in {*made, *absent}]:
            closed = LookupError(f"{layer.name} reads from {lacking[0]}, whose account is closed")
            why = (failed or {}).get(lacking[0], closed)
            if failed is None or may_change_others(layer.code):
                raise why
            failed.update(dict.fromkeys(names, why))
            continue
        ours = {"landing_zone": landing_zone, "settings": layer.settings}
        asked = [name for name in layer.code.inputs if name not in {"account", *absent}]
        given: dict[str, Any] = {name: ours[name] if name in GIVEN else made[stack_name(name)] for name in asked}
        accounts = landing_zone.members if in_accounts else {"": None}
        for key, declared in accounts.items():
            name = layer.stack_in(key) if in_accounts else layer.stack
            if name in without or (in_accounts and not layer.is_in(key)):
                if failed and name in failed and may_change_others(layer.code):
                    raise failed[name]
                continue
            if declared:
                id, roles = organizations.accounts[key].id, layer.other_roles
                project = landing_zone.project
                recorders = recorders_of(landing_zone, key) if layer.source else None
                given["account"] = MemberAccount(*(key, id, declared, project, layer.name, roles, recorders))
            if stack := attempted([name], partial(module.Stack, app, name, **given)):
                made[layer.name] = stack  # whoever asks for it has checked that there is one alone
                yield stack
    yield from _leaving(app, landing_zone)


def _attempted(
    app: App,
    code: Code,
    failed: MutableMapping[str, BaseException] | None,
    names: Collection[str],
    make: Callable[[], Any],
) -> Any:
    """Returns what code of a layer makes; where it fails, and somebody wants to know why, none of these stacks."""
    try:
        return make()
    except (Exception, SystemExit) as error:
        if failed is None or may_change_others(code):
            raise
        for name in names:
            failed[name] = error
            app.node.try_remove_child(name)  # what there is of it
        return None


def _leaving(app: App, landing_zone: LandingZone) -> Iterator[BaseStack]:
    """Yields a stack for each baseline that is forgotten: it has nothing, and what it forgets its state says."""
    for key in sorted(landing_zone.leaving):
        yield BaseStack(app, baseline_in(key), project=landing_zone.project, layer=BASELINE_LAYER)
