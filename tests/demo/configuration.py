"""The copy of config/ that the demo deploys: of the emulated account, and of nothing that is in another one."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from strata.config import IMPORTS
from strata.errors import ConfigurationError
from strata.landing_zone import LandingZone
from strata.load import load
from tests.aws.center import STORE
from tests.aws.client import ACCOUNT, Aws
from tests.demo.commands import DemoError, say

_QUOTA = 50


def copied(source: Path, folder: Path) -> LandingZone:
    """Copies a valid configuration for the emulated account, unless somebody edited the copy; returns what it says.

    Raises:
        DemoError: the edited copy has faults.
    """
    anew = f"to begin anew from {source.name}/: rm -r {folder.parent.name}/{folder.name}"
    if is_edited(folder):
        say(f"{folder.parent.name}/{folder.name} has edits and stays as it is; {anew}")
        try:
            return load(folder)
        except ConfigurationError as error:
            raise DemoError("\n".join([*map(str, error.faults), f"mend them; or {anew}"])) from error
    own = load(source).project.management_account.id
    making = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(source, making)
    for file in [*making.rglob("*.yaml"), *making.rglob("*.json")]:
        file.chmod(0o644)
        file.write_bytes(file.read_bytes().replace(own.encode(), ACCOUNT.encode()))
    if (making / IMPORTS).exists():
        (making / IMPORTS).unlink()
        say(f"{IMPORTS} is left out: what it names is in your account, not in the emulated one")
    shutil.rmtree(folder, ignore_errors=True)
    _label(folder).write_text(fingerprint(making))
    making.rename(folder)
    _commit(folder)
    return load(folder)


def _commit(folder: Path) -> None:
    """Makes the copy a repository, so that `strata report --diff HEAD` has something to compare with."""
    somebody = ("-c", "user.name=demo", "-c", "user.email=demo@example.com")
    for words in (("init", "--quiet"), ("add", "--all"), (*somebody, "commit", "--quiet", "--message", "Begin")):
        subprocess.run(["git", "-C", str(folder), *words], check=True)


def is_edited(folder: Path) -> bool:
    """Returns whether a copy is there and is not as the demo wrote it; of one without a label nobody knows."""
    if not folder.exists():
        return False
    return not _label(folder).exists() or _label(folder).read_text() != fingerprint(folder)


def _label(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.of")


def fingerprint(folder: Path) -> str:
    """Returns what differs when any file of a configuration does."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and ".git" not in file.parts)
    return hashlib.sha256(
        b"\0".join(part for file in files for part in (bytes(file.relative_to(folder)), file.read_bytes()))
    ).hexdigest()


def lay_organization(aws: Aws, landing_zone: LandingZone) -> None:
    """Does what no call of AWS does: names the account, raises its quota, switches Identity Center on.

    In Identity Center it makes the groups that the configuration expects of an identity provider.
    """
    management, region = landing_zone.project.management_account, landing_zone.project.identity_center_region
    aws.order("prompt")  # plain cdktf deploys here, and nobody runs it again
    aws.order("management-account", name=management.name, email=management.email)
    aws.order("organization", account_limit=max(_QUOTA, 2 * len(landing_zone.organization.accounts)))
    aws.switch_identity_center_on(region)
    store = aws.client("identitystore", region)
    for key, group in landing_zone.sso.groups.items():
        if group.external:
            store.create_group(IdentityStoreId=STORE, DisplayName=group.name or key)
    for user in landing_zone.users.values():
        if user.external:
            names = {"GivenName": "A", "FamilyName": "Visitor"}
            store.create_user(IdentityStoreId=STORE, UserName=user.user_name, DisplayName="A Visitor", Name=names)
