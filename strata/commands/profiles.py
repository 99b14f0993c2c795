"""`strata profiles`: AWS CLI profiles for the current organization.

Before Identity Center is enabled they assume each member's access role, afterwards they sign in through it. What they
are follows from account ids and the configuration alone; `strata.files.aws_config` puts them into the file.
"""

from __future__ import annotations

import json as json_module
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from strata.atomic import read_text
from strata.aws.identity_center import is_ours, list_instances
from strata.aws.organization import ListedAccount, list_accounts
from strata.aws.session import Aws, connect
from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, PARTITION
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError
from strata.files import aws_config
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.grants import Grant
from strata.load import load
from strata.options import Options
from strata.outputs import output as json_output
from strata.outputs import warning_facts
from strata.printing import document, line, readers_may_leave, word
from strata.terminal import confirmed
from strata.text import counted, folded


@dataclass(frozen=True)
class ProfileRequest:
    """The request of the operator."""

    region: str
    source_profile: str | None = None
    bootstrap: bool = False
    user: str | None = None
    output: str | None = None


def run(
    options: Options,
    *,
    bootstrap: bool,
    user: str | None,
    source_profile: str | None,
    output: str | None,
    outputs: Path | None,
    file: Path | None,
    check: bool,
    json: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Builds the profiles, says how many, asks, and writes them."""
    landing_zone = load(options.config)
    request = ProfileRequest(
        region=_region(options.region or landing_zone.project.regions.primary),
        source_profile=source_profile or options.profile or os.environ.get("AWS_PROFILE") or None,
        bootstrap=bootstrap,
        user=user,
        output=output,
    )
    facts = read_outputs(outputs, landing_zone) if outputs else _organization(options, landing_zone, request)
    profiles = build_profiles(landing_zone, facts, request)
    for warning in profiles.warnings:
        print(line(f"warning: {warning}"), file=sys.stderr, flush=True)
    path = file or default_file()
    before = aws_config.read(path)
    old = aws_config.parts(str(path), before or "", landing_zone.project.short_name)
    block = aws_config.block(landing_zone.project.short_name, profiles.sections(landing_zone.project.short_name))
    if request.source_profile and aws_config.has_profile(old.block + block, request.source_profile):
        _refuse_source(profiles, request.source_profile)
    after = aws_config.replaced(str(path), old, block)
    through = "Identity Center" if profiles.portal else ACCESS_ROLE
    count = f"{counted(len(profiles.profiles), 'profile')} through {through}"
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
            _print_json(profiles, path, current=current or writes)
        elif dry_run:
            print(*map(line, block.splitlines()), sep="\n")
        elif writes:
            _print_next(profiles, landing_zone.project.short_name, file)
    return 3 if check and not current else 0


def _refuse_source(profiles: Profiles, source: str) -> None:
    """Refuses a profile of the block as the one from which its profiles assume the access role."""
    if profiles.portal is None:
        text = f"the bootstrap profile {source} is in the block that is replaced; name one outside of it with "
        raise StrataError(Message("source-in-block", f"{text}--source-profile", profile=source))


# What the profiles are


@dataclass(frozen=True)
class Portal:
    """Where people sign in."""

    start_url: str
    region: str


@dataclass(frozen=True)
class OrganizationFacts:
    """The current organization: the id of every active account by key, and the sign-in portal."""

    account_ids: Mapping[str, str]
    portal: Portal | None


@dataclass(frozen=True)
class Profile:
    """One profile of the AWS CLI; `permission_set` is None when it assumes the access role."""

    name: str
    account: str
    account_id: str
    permission_set: str | None
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Profiles:
    """All profiles of a project, sorted, and where they sign in: None before Identity Center."""

    portal: Portal | None
    profiles: tuple[Profile, ...]
    warnings: tuple[Message, ...] = ()

    def sections(self, session: str) -> dict[str, Mapping[str, str]]:
        """Returns the settings of each section of the file, by its header."""
        sections: dict[str, Mapping[str, str]] = {}
        if self.portal:
            sections[f"sso-session {session}"] = {
                "sso_start_url": self.portal.start_url,
                "sso_region": self.portal.region,
                "sso_registration_scopes": "sso:account:access",
            }
        return sections | {f"profile {profile.name}": profile.settings for profile in self.profiles}


def build_profiles(landing_zone: LandingZone, facts: OrganizationFacts, request: ProfileRequest) -> Profiles:
    """Returns the profiles that follow from the facts and the configuration.

    Raises:
        StrataError: the request cannot be met, or two profiles would have the same name.
    """
    warnings = list(_absent(landing_zone, facts))
    if facts.portal is None or request.bootstrap:
        if request.user is not None:
            text = "--user selects profiles of Identity Center, and these are the profiles before that; leave it out"
            raise StrataError(Message("arguments-conflict", text, options=["--user"]))
        return Profiles(None, tuple(_role_profiles(landing_zone, facts, request)), tuple(warnings))
    grants = _grants_of(landing_zone, request.user)
    pairs = sorted({(grant.account, grant.permission_set) for grant in grants if grant.account in facts.account_ids})
    if request.user is not None:
        if not pairs:
            text = f"{request.user} has no access yet; give one of their groups an assignment in sso.yaml"
            raise StrataError(Message("no-access", text, user=request.user))
        warnings += _unseen_groups(landing_zone)
    profiles = tuple(_sign_in_profile(landing_zone, facts, request, *pair) for pair in pairs)
    _check_names(profiles)
    return Profiles(facts.portal, profiles, tuple(warnings))


def _absent(landing_zone: LandingZone, facts: OrganizationFacts) -> Iterator[Message]:
    """Yields a warning of all accounts that have no profile."""
    absent = sorted(set(landing_zone.members) - set(facts.account_ids))
    if absent:
        text = f"no profile for {', '.join(absent)}: the organization has no active account with the address; "
        text += "strata doctor and strata plan say more"
        yield Message("account-without-profile", text, accounts=absent)


def _role_profiles(landing_zone: LandingZone, facts: OrganizationFacts, request: ProfileRequest) -> Iterator[Profile]:
    """Yields the profiles before Identity Center; the management account has no access role."""
    source = request.source_profile
    if not source:
        text = f"these profiles assume {ACCESS_ROLE} from a profile of the management account; name it with --profile"
        raise StrataError(Message("argument-missing", text, option="--profile"))
    # The file has no escapes.
    if not source.isprintable() or source != source.strip():
        text = f"source_profile {short(source)} cannot stand in the file of the AWS CLI: give one line of visible text"
        raise StrataError(Message("text-malformed", text, kind="source_profile", value=source))
    session = re.sub(r"[^\w+=,.@-]", "-", f"strata-{source}", flags=re.ASCII)[:64]
    for key, account_id in sorted(facts.account_ids.items()):
        if key != MANAGEMENT:
            settings = {
                "role_arn": f"arn:{PARTITION}:iam::{account_id}:role/{ACCESS_ROLE}",
                "source_profile": source,
                "role_session_name": session,
                **_common(request),
            }
            yield Profile(f"{landing_zone.project.short_name}-{key}-oaar", key, account_id, None, settings)


def _sign_in_profile(
    landing_zone: LandingZone, facts: OrganizationFacts, request: ProfileRequest, account: str, permission_set: str
) -> Profile:
    short_name, account_id = landing_zone.project.short_name, facts.account_ids[account]
    settings = {
        "sso_session": short_name,
        "sso_account_id": account_id,
        "sso_role_name": landing_zone.permission_sets[permission_set].name,
        **_common(request),
    }
    return Profile(f"{short_name}-{account}-{permission_set}", account, account_id, permission_set, settings)


def _common(request: ProfileRequest) -> dict[str, str]:
    return {"region": request.region, **({"output": request.output} if request.output else {})}


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
        text = (
            f"members of {', '.join(unseen)} are managed in the identity provider; profiles granted through it are not "
            "included"
        )
        yield Message("members-unseen", text, groups=unseen)


def _check_names(profiles: Iterable[Profile]) -> None:
    """Refuses two profiles of the same name, as keys may have hyphens: the AWS SDK refuses the whole file."""
    seen: dict[str, Profile] = {}
    for profile in profiles:
        other = seen.setdefault(profile.name, profile)
        if other is not profile:
            text = (
                f"the profile {profile.name} would stand for {other.permission_set} in {other.account} and for "
                f"{profile.permission_set} in {profile.account}; give one of them another key"
            )
            raise StrataError(Message("name-taken", text, kind="profile", name=profile.name))


# The organization as it is now


def _organization(options: Options, landing_zone: LandingZone, request: ProfileRequest) -> OrganizationFacts:
    aws = connect(options, landing_zone.project)
    accounts = list_accounts(aws)
    if not accounts:
        text = "this account has no organization yet; strata bootstrap creates it"
        raise StrataError(Message("no-organization", text))
    ids = identify(accounts, landing_zone)
    if request.bootstrap:
        return OrganizationFacts(ids, None)
    return OrganizationFacts(ids, _portal(landing_zone, None) or _live_portal(aws, landing_zone))


def identify(accounts: Iterable[ListedAccount], landing_zone: LandingZone) -> dict[str, str]:
    """Returns the ids of the active accounts of the configuration by key, retired ones left out.

    Raises:
        StrataError: the management account is not among them.
    """
    accounts, own = list(accounts), landing_zone.project.management_account.id
    if own not in {account.id for account in accounts}:
        text = (
            f"these credentials belong to another organization: it has no account {own}, which is "
            "management_account.id in project.yaml; use a profile of that account"
        )
        raise StrataError(Message("other-organization", text, account=own))
    active = {folded(account.email): account.id for account in accounts if account.active}
    addresses = {key: folded(account.email) for key, account in landing_zone.members.items()}
    members = {key: active[address] for key, address in addresses.items() if address in active}
    return {MANAGEMENT: own, **members}


def _portal(landing_zone: LandingZone, deployed: str | None) -> Portal | None:
    start_url = landing_zone.project.identity_center.start_url or deployed
    return Portal(start_url, landing_zone.project.identity_center_region) if start_url else None


def _live_portal(aws: Aws, landing_zone: LandingZone) -> Portal | None:
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
            return Portal(f"https://{store}.awsapps.com/start", project.identity_center_region)
    return None


def read_outputs(file: Path, landing_zone: LandingZone) -> OrganizationFacts:
    """Returns the organization by the outputs that cdktf wrote to a file, without asking AWS.

    Raises:
        StrataError: the file does not exist, has other content, or is of another organization.
    """
    again = f"create it with cdktf output organizations sso --outputs-file {word(file)}"
    try:
        stacks: Any = json_module.loads(read_text(file))
    except (FileNotFoundError, NotADirectoryError):
        raise StrataError(Message("no-such-file", f"{file} does not exist; {again}", place=str(file))) from None
    except (RecursionError, ValueError) as error:
        text = f"{file} cannot be read as JSON: {error}; {again}"
        raise StrataError(Message("not-json", text, place=str(file))) from error
    ids = _output(stacks, "organizations", "account_ids")
    if not isinstance(ids, dict) or not all(re.fullmatch(r"[0-9]{12}", str(id)) for id in ids.values()):
        text = f"{file}: organizations has no account_ids; {again}"
        raise StrataError(Message("outputs-malformed", text, place=str(file)))
    own = landing_zone.project.management_account.id
    if ids.get(MANAGEMENT) != own:
        text = f"{file} is of another organization than {own}, which project.yaml has; {again}"
        raise StrataError(Message("other-organization", text, place=str(file), account=ids.get(MANAGEMENT)))
    url = _output(stacks, "sso", "portal_url")
    deployed = url if isinstance(url, str) and re.fullmatch(r"https://[!-~]+", url) else None
    known = {key: ids[key] for key in landing_zone.accounts if key in ids}
    return OrganizationFacts(known, _portal(landing_zone, deployed))


def _output(stacks: Any, stack: str, name: str) -> Any:
    """Returns an output, which cdktf names by its construct: `output.<name>`."""
    outputs = stacks.get(stack) if isinstance(stacks, dict) else None
    return outputs.get(f"output.{name}", outputs.get(name)) if isinstance(outputs, dict) else None


# The operator and the file


def default_file() -> Path:
    """Returns the file that the AWS CLI reads."""
    named = os.path.expandvars(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        text = f"there is no home folder, so {named} is nowhere; name the file with --file or AWS_CONFIG_FILE"
        raise StrataError(Message("no-home-folder", text, place=named)) from error


def _region(region: str) -> str:
    if region not in aws_limits().regions:
        text = f"{region!r} is not an AWS region{did_you_mean(region, aws_limits().regions)}; correct --region"
        raise StrataError(Message("unknown-name", text, kind="region", name=region))
    return region


def _print_json(profiles: Profiles, path: Path, *, current: bool) -> None:
    facts = {
        "file": str(path),
        "up_to_date": current,
        "portal": asdict(profiles.portal) if profiles.portal else None,
        "profiles": [asdict(profile) for profile in profiles.profiles],
        "warnings": [warning_facts(text) for text in profiles.warnings],
    }
    document(json_output("profiles", facts))


def _print_next(profiles: Profiles, short_name: str, file: Path | None) -> None:
    if not profiles.profiles:
        return
    if file and file.absolute() != default_file().absolute():
        print(f"export AWS_CONFIG_FILE={word(file.absolute())}")
    if profiles.portal:
        print(f"aws sso login --sso-session {word(short_name)}")
    first = next((profile for profile in profiles.profiles if profile.account == MANAGEMENT), profiles.profiles[0])
    print(f"export AWS_PROFILE={word(first.name)}")
