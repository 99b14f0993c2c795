"""`strata profiles`: AWS CLI profiles for the current organization.

Before Identity Center is enabled they assume each member's access role, afterwards they sign in through it. What they
are follows from account ids and the configuration alone; `strata.files.aws_config` puts them into the file.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from strata.aws.identity_center import is_ours, list_instances
from strata.aws.organization import ListedAccount, list_accounts
from strata.aws.session import Aws, connect
from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, PARTITION, Project
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError
from strata.files import aws_config
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.grants import Grant
from strata.load import load
from strata.options import Options
from strata.outputs import output, warning_facts
from strata.printing import document, line, readers_may_leave, word
from strata.terminal import confirmed
from strata.text import counted, folded


@dataclass(frozen=True)
class OrganizationFacts:
    """The current organization: the id of every active account by key, and where people sign in."""

    account_ids: Mapping[str, str]
    start_url: str | None


@dataclass(frozen=True)
class Profile:
    """One profile of the AWS CLI; `permission_set` is None when it assumes the access role."""

    name: str
    account: str
    account_id: str
    permission_set: str | None
    settings: Mapping[str, str]


def run(
    options: Options,
    *,
    bootstrap: bool,
    user: str | None,
    file: Path | None,
    check: bool,
    json: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Builds the profiles, says how many, asks, and writes them."""
    landing_zone = load(options.config)
    project, owner = landing_zone.project, landing_zone.project.short_name
    region, source = options.region or project.regions.primary, options.profile or os.environ.get("AWS_PROFILE", "")
    if region not in aws_limits().regions:
        text = f"{region!r} is not an AWS region{did_you_mean(region, aws_limits().regions)}; correct --region"
        raise StrataError(Message("unknown-name", text, kind="region", name=region))
    facts = organization_now(options, landing_zone, bootstrap=bootstrap)
    profiles, warnings = build_profiles(landing_zone, facts, region=region, source=source, user=user)
    for warning in warnings:
        print(line(f"warning: {warning}"), file=sys.stderr, flush=True)
    path = file or default_file()
    before = aws_config.read(path)
    block = aws_config.block(owner, sections(project, facts, profiles))
    after = aws_config.replaced(str(path), before or "", owner, block)
    goes = aws_config.has_profile(before or "", source) and not aws_config.has_profile(after.replace(block, ""), source)
    if facts.start_url is None and goes:
        text = f"the bootstrap profile {source} is in the block that is replaced; name one outside of it with --profile"
        raise StrataError(Message("source-in-block", text, profile=source))
    count = f"{counted(len(profiles), 'profile')} through {'Identity Center' if facts.start_url else ACCESS_ROLE}"
    current, writes = before == after, not (check or dry_run or (json and not yes))
    if writes and not current:
        if not yes and not confirmed(f"write {count} to {path}?"):
            options.note("nothing was changed")
            return 1
        aws_config.write(path, before, after)
        options.note(f"wrote {path}: {count}")
    else:
        options.note(f"{path} is {'up to date' if current else 'out of date'}: {count}")
    with readers_may_leave():
        if json:
            portal = {"start_url": facts.start_url, "region": project.identity_center_region}
            found = {
                "file": str(path),
                "up_to_date": current or writes,
                "portal": portal if facts.start_url else None,
                "profiles": [asdict(profile) for profile in profiles],
                "warnings": [warning_facts(text) for text in warnings],
            }
            document(output("profiles", found))
        elif dry_run:
            print(*map(line, block.splitlines()), sep="\n")
        elif writes:
            print(*_next(owner, facts, profiles, file), sep="\n")
    return 3 if check and not current else 0


# What the profiles are


def build_profiles(
    landing_zone: LandingZone, facts: OrganizationFacts, *, region: str, source: str = "", user: str | None = None
) -> tuple[list[Profile], list[Message]]:
    """Returns the profiles that follow from the facts and the configuration, sorted, and warnings.

    Raises:
        StrataError: the request cannot be met, or two profiles would have the same name.
    """
    warnings = list(_absent(landing_zone, facts))
    if facts.start_url is None:
        if user is not None:
            text = "--user selects profiles of Identity Center, and these are the profiles before that; leave it out"
            raise StrataError(Message("arguments-conflict", text, options=["--user"]))
        return list(_role_profiles(landing_zone, facts, region, source)), warnings
    grants = _grants_of(landing_zone, user)
    pairs = sorted({(grant.account, grant.permission_set) for grant in grants if grant.account in facts.account_ids})
    if user is not None:
        if not pairs:
            text = f"{user} has no access yet; give one of their groups an assignment in sso.yaml"
            raise StrataError(Message("no-access", text, user=user))
        warnings += _unseen_groups(landing_zone)
    profiles = [_sign_in_profile(landing_zone, facts, region, *pair) for pair in pairs]
    _check_names(profiles)
    return profiles, warnings


def _absent(landing_zone: LandingZone, facts: OrganizationFacts) -> Iterator[Message]:
    """Yields a warning of all accounts that have no profile."""
    absent = sorted(landing_zone.members.keys() - facts.account_ids.keys())
    if absent:
        text = f"no profile for {', '.join(absent)}: the organization has no active account with the address; "
        text += "strata doctor and strata plan say more"
        yield Message("account-without-profile", text, accounts=absent)


def _role_profiles(landing_zone: LandingZone, facts: OrganizationFacts, region: str, source: str) -> Iterator[Profile]:
    """Yields the profiles before Identity Center; the management account has no access role."""
    if not source:
        text = f"these profiles assume {ACCESS_ROLE} from a profile of the management account; name it with --profile"
        raise StrataError(Message("argument-missing", text, option="--profile"))
    # The file has no escapes.
    if not source.isprintable() or source != source.strip():
        text = f"source_profile {short(source)} cannot stand in the file of the AWS CLI: give one line of visible text"
        raise StrataError(Message("text-malformed", text, kind="source_profile", value=source))
    for key, account_id in sorted(facts.account_ids.items()):
        if key != MANAGEMENT:
            settings = {
                "role_arn": f"arn:{PARTITION}:iam::{account_id}:role/{ACCESS_ROLE}",
                "source_profile": source,
                "region": region,
            }
            yield Profile(f"{landing_zone.project.short_name}-{key}-oaar", key, account_id, None, settings)


def _sign_in_profile(
    landing_zone: LandingZone, facts: OrganizationFacts, region: str, account: str, permission_set: str
) -> Profile:
    short_name, account_id = landing_zone.project.short_name, facts.account_ids[account]
    settings = {
        "sso_session": short_name,
        "sso_account_id": account_id,
        "sso_role_name": landing_zone.permission_sets[permission_set].name,
        "region": region,
    }
    return Profile(f"{short_name}-{account}-{permission_set}", account, account_id, permission_set, settings)


def sections(project: Project, facts: OrganizationFacts, profiles: Iterable[Profile]) -> dict[str, Mapping[str, str]]:
    """Returns the settings of each section of the file, by its header."""
    found: dict[str, Mapping[str, str]] = {}
    if facts.start_url:
        found[f"sso-session {project.short_name}"] = {
            "sso_start_url": facts.start_url,
            "sso_region": project.identity_center_region,
            "sso_registration_scopes": "sso:account:access",
        }
    return found | {f"profile {profile.name}": profile.settings for profile in profiles}


def _grants_of(landing_zone: LandingZone, user: str | None) -> list[Grant]:
    """Returns all grants, or those that reach a person."""
    users = landing_zone.users
    if user is None:
        return list(landing_zone.grants)
    if user not in users:
        text = f"{user!r} is not a user of sso.yaml{did_you_mean(user, users)}; name one by its key"
        raise StrataError(Message("unknown-name", text, kind="user", name=user))
    groups = {key for key, group in landing_zone.groups.items() if user in group.members}
    own = {"USER": {user}, "GROUP": groups}
    return [grant for grant in landing_zone.grants if grant.principal in own[grant.principal_type]]


def _unseen_groups(landing_zone: LandingZone) -> Iterator[Message]:
    used = {grant.principal for grant in landing_zone.grants if grant.principal_type == "GROUP"}
    unseen = sorted(key for key in used if not landing_zone.groups[key].is_known)
    if unseen:
        text = f"members of {', '.join(unseen)} are managed in the identity provider; "
        text += "profiles granted through it are not included"
        yield Message("members-unseen", text, groups=unseen)


def _check_names(profiles: Iterable[Profile]) -> None:
    """Refuses two profiles of the same name, as keys may have hyphens: the AWS SDK refuses the whole file."""
    names = Counter(profile.name for profile in profiles)
    for name in names:
        if names[name] > 1:
            text = f"the profile {name} would stand for two permission sets or accounts; give one of them another key"
            raise StrataError(Message("name-taken", text, kind="profile", name=name))


# The organization as it is now


def organization_now(options: Options, landing_zone: LandingZone, *, bootstrap: bool) -> OrganizationFacts:
    """Returns the accounts that AWS has, and the portal unless the profiles are those before it.

    Raises:
        StrataError: there is no organization, or another.
    """
    aws = connect(options, landing_zone.project)
    accounts = identify(list_accounts(aws), landing_zone)
    start_url = None if bootstrap else landing_zone.project.identity_center.start_url or _portal(aws, landing_zone)
    return OrganizationFacts(accounts, start_url)


def identify(accounts: Iterable[ListedAccount], landing_zone: LandingZone) -> dict[str, str]:
    """Returns the ids of the active accounts of the configuration by key, retired ones left out.

    Raises:
        StrataError: the management account is not among them.
    """
    accounts, own = list(accounts), landing_zone.project.management_account.id
    if own not in {account.id for account in accounts}:
        text = f"these credentials see no account {own}, which is management_account.id in project.yaml; "
        text += "use a profile of that account, and strata bootstrap where it has no organization yet"
        raise StrataError(Message("other-organization", text, account=own))
    active = {folded(account.email): account.id for account in accounts if account.active}
    addresses = {key: folded(account.email) for key, account in landing_zone.members.items()}
    members = {key: active[address] for key, address in addresses.items() if address in active}
    return {MANAGEMENT: own, **members}


def _portal(aws: Aws, landing_zone: LandingZone) -> str | None:
    """Returns the portal of Identity Center, None while it is not enabled for the organization."""
    project = landing_zone.project
    for instance in list_instances(aws, project):
        if is_ours(instance, project) and instance.get("Status", "ACTIVE") == "ACTIVE":
            store = instance["IdentityStoreId"]
            if not re.fullmatch(r"d-[0-9a-z]+", store):
                text = (
                    f"the start URL does not follow from the identity store {store}; copy the 'AWS access portal URL' "
                    "from IAM Identity Center to identity_center.start_url in project.yaml"
                )
                raise StrataError(Message("start-url-unknown", text, identity_store=store))
            return f"https://{store}.awsapps.com/start"
    return None


# The operator


def default_file() -> Path:
    """Returns the file that the AWS CLI reads."""
    named = os.path.expandvars(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        text = f"there is no home folder, so {named} is nowhere; name the file with --file or AWS_CONFIG_FILE"
        raise StrataError(Message("no-home-folder", text, place=named)) from error


def _next(owner: str, facts: OrganizationFacts, profiles: list[Profile], file: Path | None) -> Iterator[str]:
    """Yields the lines to type next."""
    if file and file.absolute() != default_file().absolute():
        yield f"export AWS_CONFIG_FILE={word(file.absolute())}"
    if facts.start_url:
        yield f"aws sso login --sso-session {word(owner)}"
    if profiles:
        first = next((profile for profile in profiles if profile.account == MANAGEMENT), profiles[0])
        yield f"export AWS_PROFILE={word(first.name)}"
