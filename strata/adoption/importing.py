"""The import ids of what AWS has, by the Terraform address that the configuration gives it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from strata.kinds import KEYED, KINDS
from strata.kinds.at_aws import Inventory
from strata.kinds.organization import ROOT_ACCESS
from strata.kinds.setting import address_of, regions_of
from strata.landing_zone import LandingZone
from strata.sides.join import Keys


def import_ids(
    landing_zone: LandingZone, inventory: Inventory, keys: Keys, controls: Collection[str]
) -> dict[str, str]:
    """Returns the lines of imports.yaml, sorted: what AWS has and the stacks do not find by name themselves.

    The ids have the forms that the AWS provider's importers read.

    Args:
        landing_zone: what gets imported.
        inventory: what AWS has.
        keys: kind to id to key.
        controls: the controls of security.yaml that the account has as they are declared.
    """
    there, wanted = _live_ids(inventory), _candidates(landing_zone, inventory, keys)
    lines = {address: id for address, id in wanted.items() if (address.partition(".")[0], id) in there}
    lines |= dict(_settings(landing_zone, inventory, controls))
    return dict(sorted(lines.items()))


def _live_ids(inventory: Inventory) -> frozenset[tuple[str, str]]:
    """Returns the Terraform type and the import id of everything that the configuration imports by id."""
    given = [kind.import_ids for kind in KINDS if kind.import_ids]
    return frozenset(typed_id for import_ids in given for typed_id in import_ids(inventory))


def _candidates(landing_zone: LandingZone, inventory: Inventory, keys: Keys) -> dict[str, str]:
    """Returns the ids that what is declared has at AWS, if AWS has it, by address."""
    ids = {kind: {key: id for id, key in keys.get(kind, {}).items()} for kind in KEYED}
    wanted = (kind.wanted(landing_zone, inventory, ids) for kind in KINDS if kind.wanted)
    return {address: id for some in wanted for address, id in some}


def _settings(landing_zone: LandingZone, inventory: Inventory, controls: Collection[str]) -> Iterator[tuple[str, str]]:
    if landing_zone.organization.member_root_access and inventory.root_features:
        yield f"{ROOT_ACCESS.type}.main", inventory.organization.id
    project = landing_zone.project
    account = project.management_account.id
    ids = {"s3_public_access": account, "password_policy": "iam-account-password-policy", "ebs_encryption": "default"}
    for name, control in landing_zone.security.settings.items():
        if not control.on or name not in controls:
            continue
        for region in regions_of(control, project):
            id = ids.get(name, region)
            yield address_of(name, region), f"{id}@{region}" if region else id
