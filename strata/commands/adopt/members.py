"""Reads what `strata adopt --members` describes of accounts: their regions first, then what is set in these."""

from __future__ import annotations

from strata.adoption.members import Members
from strata.aws.session import Aws
from strata.config.limits import aws_limits
from strata.config.models import Project
from strata.inventory.progress import InventoryReading
from strata.inventory.regions import enabled_regions
from strata.kinds.at_aws import Inventory
from strata.kinds.thing import ACTIVE

_REGIONS = "regions"


def read_members(reading: InventoryReading, aws: Aws, project: Project, inventory: Inventory) -> Members:
    """Returns what the active accounts have; one that lets nobody in is unread.

    Raises:
        AwsError: the caller's own credentials cannot be used.
    """
    ids = [account.id for account in inventory.organization.accounts if account.state == ACTIVE]
    enabled, refused = enabled_regions(aws, project.management_account.id, ids)
    opt_in = aws_limits().opt_in_regions
    governed = {
        id: tuple(region for region in project.regions.all_governed if region not in opt_in - {*enabled.get(id, ())})
        for id in ids
    }
    live = reading.members(aws, governed)
    unread = {**live.unread, **{(_REGIONS, id): said for id, said in refused.items()}}
    return Members(live, enabled, unread)
