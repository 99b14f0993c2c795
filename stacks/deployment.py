"""The deployment in one screen: four stacks in order, each with its inputs from earlier ones, and one's own layers."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from cdktf import App

from stacks import hcl
from stacks.backend import BackendStack
from stacks.base import EMULATED, AddressTakenError, BaseStack
from stacks.organizations import OrganizationsStack
from stacks.own import own_layers
from stacks.security import SecurityStack
from stacks.sso import SsoStack
from strata.config.types import did_you_mean
from strata.errors import ConfigurationError, Message
from strata.identity.declared import declared_keys
from strata.kinds.moves import address_parts, earlier_addresses
from strata.kinds.organization import DELEGATED
from strata.landing_zone import LandingZone
from strata.landing_zone.facts import FACTS, NO_FACTS, Facts
from strata.landing_zone.services import delegation
from strata.load import load
from strata.terraform.tools import CHECKOUT, lay_lock
from strata.terraform.workspace import ALLOW


def build(
    landing_zone: LandingZone,
    outdir: Path | None = None,
    *,
    emulated: bool = False,
    allow: Collection[str] = (),
    facts: Facts = NO_FACTS,
) -> App:
    """Returns the app of a landing zone: `backend`, `organizations`, `security`, `sso`; `synth()` writes it.

    Args:
        landing_zone: the configuration.
        outdir: where it is written to.
        emulated: an emulator answers instead of AWS.
        allow: the losses that the guards of the stacks let pass this time.
        facts: what only AWS and the states say.

    Raises:
        ConfigurationError: imports.yaml names an address that no stack makes.
    """
    app = App(outdir=str(outdir) if outdir else None, context={EMULATED: emulated})
    landing_zone = _as_it_is(landing_zone, facts)
    keys = declared_keys(landing_zone)
    backend = BackendStack(app, "backend", project=landing_zone.project)
    organizations = OrganizationsStack(
        app,
        "organizations",
        landing_zone=landing_zone,
        backend=backend,
        keys=keys["organizations"],
        facts=facts,
    )
    security = SecurityStack(app, "security", landing_zone=landing_zone, organizations=organizations)
    sso = SsoStack(
        app,
        "sso",
        landing_zone=landing_zone,
        backend=backend,
        organizations=organizations,
        security=security,
        keys=keys["sso"],
        allow=allow,
    )
    stacks: dict[str, BaseStack] = {
        "backend": backend,
        "organizations": organizations,
        "security": security,
        "sso": sso,
    }
    import_existing(landing_zone, stacks.values())
    layers = own_layers(app, landing_zone, stacks, organizations, facts.absent)
    move(landing_zone, [*stacks.values(), *layers])
    return app


def _as_it_is(landing_zone: LandingZone, facts: Facts) -> LandingZone:
    """Returns a landing zone without what only AWS and the states say is gone."""
    open_accounts = _without(landing_zone, facts.closed) if facts.closed else landing_zone
    return replace(open_accounts, leaving=frozenset(facts.leaving))


def _without(landing_zone: LandingZone, closed: Mapping[str, str]) -> LandingZone:
    """Returns a landing zone in which accounts that are closed are as retired ones, and no line imports into them.

    Args:
        closed: their ids by key, so that documents name them as before; empty where AWS lists them no more.
    """
    organization = landing_zone.organization
    accounts = {
        key: account.model_copy(update={"retired": True}) if key in closed else account
        for key, account in organization.accounts.items()
    }
    delegated = organization.delegated_administrators.items()
    theirs = {f"{DELEGATED.type}.{delegation(service)}" for service, account in delegated if account in closed}
    imports = {
        address: id
        for address, id in landing_zone.imports.items()
        if address not in theirs and not {("account", key) for key in closed}.intersection(address_parts(address))
    }
    organization = organization.model_copy(update={"accounts": accounts})
    return replace(landing_zone, organization=organization, imports=imports, account_ids=closed)


def import_existing(landing_zone: LandingZone, stacks: Iterable[BaseStack]) -> None:
    """Imports what imports.yaml lists into the stack that makes it."""
    faults = []
    stack_of = {address: stack for stack in stacks for address in stack.addresses}
    for address, import_id in sorted(landing_zone.imports.items()):
        if address in stack_of:
            stack_of[address].import_resource(address, import_id)
            stack_of[address].keep_tags(address)
        else:
            text = f"no stack creates {address!r}{did_you_mean(address, stack_of)}"
            problem = Message("address-not-made", text, address=address)
            remedy = "correct the address, or take the line out"
            faults.append(landing_zone.fault("imports.yaml", (address,), problem, remedy))
    if faults:
        raise ConfigurationError(faults)


def move(landing_zone: LandingZone, stacks: Iterable[BaseStack]) -> None:
    """Has everything that is named after a key that changed go on where it is named after the new key.

    Where a rename broke off half way, the state has the thing at both addresses: Terraform cannot move the old
    then, and would destroy it. It is removed from the state instead, as is all that leaves the state under its new key.
    """
    if not landing_zone.moves:
        return
    for stack in stacks:
        for address in sorted(stack.removed):
            stack.remove_from_state(*earlier_addresses(address, landing_zone.moves)[:-1])
        for address in sorted(stack.addresses):
            *earlier, _ = chain = earlier_addresses(address, landing_zone.moves)
            stack.remove_from_state(*earlier)
            for old, new in pairwise(chain):
                stack.move(old, new)


def main() -> None:
    """Synthesizes the configuration STRATA_CONFIG names into the folder cdktf asks for."""
    folder = Path(os.environ.get("STRATA_CONFIG") or CHECKOUT / "config")
    try:
        app = build(
            load(folder),
            emulated=bool(os.environ.get("AWS_ENDPOINT_URL")),
            allow=frozenset(filter(None, os.environ.get(ALLOW, "").split(","))),
            facts=Facts.read(os.environ.get(FACTS)),
        )
    except ConfigurationError as error:
        sys.exit("\n".join(f"error: {fault}" for fault in error.faults))
    except AddressTakenError as error:
        sys.exit(f"error: {error}")
    except SystemExit as ended:  # else the Terraform of the run before would pass for that of this run
        raise RuntimeError("a stack ended the run before any Terraform was written") from ended
    app.synth()
    if faults := list(_parts_of_tokens(app)):
        sys.exit("\n".join(f"error: {fault}" for fault in faults))
    lay_lock(Path(app.outdir))


def _parts_of_tokens(app: App) -> Iterator[str]:
    """Yields the places in the Terraform of all stacks in which Python took or changed a part of a token."""
    for stack in (child.node.id for child in app.node.children if isinstance(child, BaseStack)):
        text = (Path(app.outdir) / "stacks" / stack / "cdk.tf.json").read_text(encoding="utf-8")
        for place in hcl.parts_of_tokens(text):
            yield (
                f"{stack}: {place}: this is known once AWS has made it, and stands as a token until then, of which "
                f"Python took or changed a part; write it whole, or call cdktf.Fn, as Fn.upper or Fn.substr"
            )
