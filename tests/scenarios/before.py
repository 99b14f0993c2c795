"""A configuration that an earlier version deployed by its own code, and what somebody changes of it by hand."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.aws.client import Aws
from tests.documents import CHECKOUT
from tests.scenarios.clone import Owner, git
from tests.scenarios.hand import Hand
from tests.scenarios.site import Provider, Site


def checkout(commit: str, folder: Path) -> Path:
    """Returns the tree of an earlier version, with the packages of this one, which are the same."""
    archive, tree = folder / "before.tar", folder / "before"
    try:
        git(CHECKOUT, "archive", f"--output={archive}", commit)
    except (AssertionError, OSError) as error:
        pytest.skip(f"this checkout does not have the commit of an earlier version: {error}")
    shutil.unpack_archive(archive, tree, filter="data")
    for name in (".venv", "node_modules"):
        (tree / name).symlink_to(CHECKOUT / name)
    return tree


def bootstrapped(tree: Path, configuration: str, today: Path, aws: Aws, provider: Provider) -> tuple[Owner, Site]:
    """Returns the owner of an earlier version after `strata bootstrap`, and the site as this version reads it.

    Args:
        tree: the checkout of the earlier version, whose own configuration goes.
        configuration: the folder in it that is deployed.
        today: the same as this version reads it, which says what is at AWS before a first deploy.
        aws: gets all of it.
        provider: that of Terraform.
    """
    aws.restore()
    source = (tree / configuration).rename(tree / "source")
    shutil.rmtree(tree / "config", ignore_errors=True)
    site = Site.of(aws, provider, source, tree)
    now = Site.of(aws, provider, today, tree / "today")
    site.sign_in_as_administrator()
    owner = Owner(tree, site)
    now.make_room()
    owner.does(sys.executable, "-m", "strata", "bootstrap", "--yes")
    aws.switch_identity_center_on(now.region)
    now.make_external_groups()
    for address in now.unmanaged():
        now.open_account(address)
    return owner, now


class Defaults(NamedTuple):
    """The keys of things of which something with a default is changed by hand."""

    account: str
    policy: str
    user: str
    group: str
    permission_set: str

    def put_back(self, site: Site) -> None:
        """Changes each at the console: drift has the line that keeps it, the plan names it, a deploy undoes it."""
        hand, text = Hand(site), "by-hand"
        site.client("account").put_account_name(AccountId=hand.account(self.account), AccountName=text)
        hand.organizations.update_policy(PolicyId=hand.policy(self.policy), Name=text, Description=text)
        hand.updated("user", hand.user(self.user), "displayName", text)
        hand.updated("group", hand.group(self.group), "displayName", text)
        session = {"SessionDuration": "PT12H", "RelayState": "https://example.com/"}
        hand.center.update_permission_set(**hand.set(self.permission_set), **session)

        told = json.loads(site.strata("drift", "--json").stdout)["differences"]
        planned = site.strata("plan").stdout
        deployed = site.strata("deploy", "--yes")

        assert {(one["name"], one["attribute"], one["keep"].partition(" at ")[0]) for one in told} == {
            (self.account, "name", f'write name: "{text}"'),
            (self.policy, "name", f'write name: "{text}"'),
            (self.policy, "description", f'write description: "{text}"'),
            (self.user, "display_name", f'write display_name: "{text}"'),
            (self.group, "name", f'write name: "{text}"'),
            (self.permission_set, "session_duration", 'write session_duration: "PT12H"'),
            (self.permission_set, "relay_state", 'write relay_state: "https://example.com/"'),
        }
        for argument in ("name", "session_duration", "relay_state"):
            assert re.search(rf"{argument}: .+ \(put back to the default\)", planned), planned
        assert deployed.code == 0, deployed.text[-3000:]
        left = json.loads(site.strata("drift", "--json").stdout)
        assert (left["differences"], left["waiting"]) == ([], [])
        again = site.strata("plan", "--exit-code")
        assert again.code == 0, again.text[-3000:]
