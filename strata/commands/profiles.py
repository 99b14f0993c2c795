"""`strata profiles`: AWS CLI profiles for the current organization.

Before Identity Center is enabled they assume each member's access role, afterwards they sign in through it. What they
are follows from account ids and the configuration alone; where they go is `strata.files.aws_config`.
"""

from __future__ import annotations

import json as json_module
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from strata.atomic import UnreadableError, read_bytes
from strata.aws.identity_center import is_ours, list_instances
from strata.aws.organization import ListedAccount, list_accounts
from strata.aws.session import Aws, connect
from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, PARTITION
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.errors import ConfigurationError, Message, StrataError
from strata.files import aws_config
from strata.files.aws_config import Section
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.grants import Grant
from strata.load import load
from strata.options import Options
from strata.outputs import error_facts, warning_facts
from strata.outputs import output as json_output
from strata.printing import document, line, readers_may_leave, word
from strata.terminal import confirmed
from strata.text import counted, folded

OUTPUTS_FILE = "cdktf.outputs.json"


def run(
    options: Options,
    *,
    bootstrap: bool,
    user: str | None,
    source_profile: str | None,
    output: str | None,
    offline: bool,
    outputs: Path | None,
    file: Path | None,
    check: bool,
    json: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Builds the profiles, shows the change of the file, asks, and writes it.

    The diff goes to stdout if it is the result, to stderr if a question follows.
    """
    landing_zone = load(options.config)
    request = ProfileRequest(
        region=_region(options.region or landing_zone.project.regions.primary),
        source_profile=source_profile or options.profile or os.environ.get("AWS_PROFILE") or None,
        bootstrap=bootstrap,
        user=user,
        output=output,
    )
    facts = _facts(options, landing_zone, request, offline=offline, outputs=outputs)
    profiles = build_profiles(landing_zone, facts, request)
    profiles = replace(profiles, warnings=(*facts.warnings, *profiles.warnings))
    for warning in profiles.warnings:
        print(line(f"warning: {warning}"), file=sys.stderr, flush=True)
    path, short_name = file or _default_file(), landing_zone.project.short_name
    before = aws_config.read(path)
    try:
        update = aws_config.update(str(path), before or "", short_name, list(profiles.sections(short_name)))
    except aws_config.UnusableFileError as refusal:
        for fault in refusal.faults:
            print(f"error: {fault}", file=sys.stderr)
        if json:
            document(json_output("profiles", error_facts(ConfigurationError(refusal.faults))))
        return 1
    _check_source(profiles, update)
    if check or dry_run or (json and not yes):
        with readers_may_leave():
            _print_result(profiles, update, path, json=json, current=update.current)
        options.note(f"{path} is {'up to date' if update.current else 'out of date'}: {_count(profiles)}")
        return 3 if check and not update.current else 0
    if not _bring_up_to_date(options, profiles, update, path, before, yes=yes):
        return 1
    if json:
        _print_result(profiles, update, path, json=True, current=True)
    else:
        with readers_may_leave():
            _print_next(profiles, short_name, file)
    return 0


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
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True)
class ProfileRequest:
    """The request of the operator."""

    region: str
    source_profile: str | None = None
    bootstrap: bool = False
    user: str | None = None
    output: str | None = None


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

    def sections(self, session: str) -> Iterator[Section]:
        """Yields the sections of the file, none if there is no profile."""
        if self.portal and self.profiles:
            settings = {
                "sso_start_url": self.portal.start_url,
                "sso_region": self.portal.region,
                "sso_registration_scopes": "sso:account:access",
            }
            yield Section("sso-session", session, tuple(settings.items()))
        for profile in self.profiles:
            yield Section("profile", profile.name, tuple(profile.settings.items()))


def build_profiles(landing_zone: LandingZone, facts: OrganizationFacts, request: ProfileRequest) -> Profiles:
    """Returns the profiles that follow from the facts and the configuration.

    Raises:
        StrataError: the request cannot be met, or two profiles would have the same name.
    """
    if facts.portal is None or request.bootstrap:
        if request.user is not None:
            text = "--user selects profiles of Identity Center, and these are the profiles before that; leave it out"
            raise StrataError(Message("arguments-conflict", text, options=["--user"]))
        profiles = Profiles(None, tuple(_role_profiles(landing_zone, facts, request)))
    else:
        chosen = _grants_of(landing_zone, request.user)
        pairs = sorted(
            {(grant.account, grant.permission_set) for grant in chosen if grant.account in facts.account_ids}
        )
        if request.user is not None and not pairs:
            text = f"{request.user} has no access yet; give one of their groups an assignment in sso.yaml"
            raise StrataError(Message("no-access", text, user=request.user))
        sign_ins = tuple(_sign_in_profile(landing_zone, facts, request, *pair) for pair in pairs)
        profiles = Profiles(facts.portal, sign_ins, tuple(_unseen_groups(landing_zone, request.user)))
    _check(profiles.profiles)
    return profiles


def _role_profiles(landing_zone: LandingZone, facts: OrganizationFacts, request: ProfileRequest) -> Iterator[Profile]:
    """Yields the profiles before Identity Center; the management account has no access role."""
    source = request.source_profile
    if not source:
        text = f"these profiles assume {ACCESS_ROLE} from a profile of the management account; name it with --profile"
        raise StrataError(Message("argument-missing", text, option="--profile"))
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


def _unseen_groups(landing_zone: LandingZone, user: str | None) -> Iterator[Message]:
    used = {grant.principal for grant in landing_zone.grants if grant.principal_type == "GROUP"}
    unseen = sorted(key for key in used if not landing_zone.groups[key].is_known)
    if user is not None and unseen:
        text = (
            f"members of {', '.join(unseen)} are managed in the identity provider; profiles granted through it are not "
            "included"
        )
        yield Message("members-unseen", text, groups=unseen)


def _check(profiles: Sequence[Profile]) -> None:
    """Refuses profiles that the file of the AWS CLI cannot have.

    Of two profiles of the same name (keys may have hyphens) the AWS SDK refuses the whole file; and it has no escapes,
    so that a value may be read otherwise, or as more than a value.
    """
    seen: dict[str, Profile] = {}
    for profile in profiles:
        other = seen.setdefault(profile.name, profile)
        if other is not profile:
            text = (
                f"the profile {profile.name} would stand for {other.permission_set} in {other.account} and for "
                f"{profile.permission_set} in {profile.account}; give one of them another key"
            )
            raise StrataError(Message("name-taken", text, kind="profile", name=profile.name))
    settings = dict(pair for profile in profiles for pair in profile.settings.items())
    wrong = [
        Message(
            "text-malformed",
            f"{name} {short(value)} cannot stand in the file of the AWS CLI: give one line of visible text",
            kind=name,
            value=value,
        )
        for name, value in settings.items()
        if not value.isprintable() or value != value.strip()
    ]
    if wrong:
        raise StrataError(*wrong)


def _check_source(profiles: Profiles, update: aws_config.Update) -> None:
    """Refuses a source profile that is in the block itself."""
    own = update.profiles_before | {profile.name for profile in profiles.profiles}
    for profile in profiles.profiles:
        if (source := profile.settings.get("source_profile")) in own:
            text = f"the bootstrap profile {source} is in the block that is replaced; name "
            text += "one outside of it with --source-profile"
            raise StrataError(Message("source-in-block", text, profile=source))


# The organization as it is now


def identify(accounts: Iterable[ListedAccount], landing_zone: LandingZone) -> tuple[dict[str, str], list[Message]]:
    """Returns the ids of the active accounts by key, retired ones left out, and what to warn about.

    An account that the configuration does not know is named by a slug of its name.

    Raises:
        StrataError: the management account is not among them.
    """
    own = landing_zone.project.management_account.id
    accounts = sorted(accounts, key=lambda account: account.id)
    if own not in {account.id for account in accounts}:
        text = (
            f"these credentials belong to another organization: it has no account {own}, which is "
            "management_account.id in project.yaml; use a profile of that account"
        )
        raise StrataError(Message("other-organization", text, account=own))
    # The address of a retired account may have been handed on, so the others come last.
    declared = {**landing_zone.retired, **landing_zone.members}
    keys = {folded(account.email): key for key, account in declared.items()}
    ids, unknown = {MANAGEMENT: own}, []
    for account in accounts:
        key = keys.get(folded(account.email))
        if account.id == own or not account.active:
            continue
        if key is None:
            unknown.append(account)
        elif key in landing_zone.members:
            ids[key] = account.id
    states = {keys.get(folded(account.email)): account.state for account in accounts if not account.active}
    warnings = [_missing(key, states.get(key)) for key in landing_zone.members if key not in ids]
    unmanaged = {folded(entry) for entry in landing_zone.organization.unmanaged_accounts}
    for account in unknown:
        slug = re.sub(r"[^a-z0-9]+", "-", account.name.lower()).strip("-")
        is_free = slug and slug not in {*ids, *declared}
        key = slug if is_free else f"{slug}-{account.id}".strip("-")
        ids[key] = account.id
        if not unmanaged & {folded(account.email), account.id}:
            text = (
                f"account {account.id} ({account.name}, {account.email}) is not in organization.yaml; it goes by "
                f"{key!r} here, add it to accounts or to unmanaged_accounts"
            )
            warnings.append(Message("account-undeclared", text, account=account.id, email=account.email, key=key))
    return ids, warnings


def _missing(key: str, state: str | None) -> Message:
    if state:
        text = f"the account {key!r} is {state}, so it has no profile; mark it `retired: true` in organization.yaml"
        return Message("account-inactive", text, account=key, state=state)
    text = (
        f"the account {key!r} is not in the organization yet, so it has no profile; strata deploy organizations "
        "creates it"
    )
    return Message("account-not-created", text, account=key)


def _facts(
    options: Options, landing_zone: LandingZone, request: ProfileRequest, *, offline: bool, outputs: Path | None
) -> OrganizationFacts:
    stored, read_from = _outputs(options, landing_zone, outputs) if offline or outputs else ({}, Path())
    region, start_url = landing_zone.project.identity_center_region, landing_zone.project.identity_center.start_url
    deployed_url = stored.get("sso", {}).get("portal_url")
    if isinstance(deployed_url, str) and re.fullmatch(r"https://[!-~]+", deployed_url):
        start_url = start_url or deployed_url
    portal = Portal(start_url, region) if start_url else None
    if offline:
        return _offline_facts(stored, read_from, landing_zone, portal)
    aws = connect(options, landing_zone.project)
    accounts = list_accounts(aws)
    if not accounts:
        raise StrataError(
            Message("no-organization", "this account has no organization yet; strata bootstrap creates it")
        )
    ids, warnings = identify(accounts, landing_zone)
    if portal is None and not request.bootstrap:
        portal = _live_portal(aws, landing_zone)
    return OrganizationFacts(ids, portal, tuple(warnings))


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


# The outputs of Terraform, for --offline

_COMMAND = "cdktf output organizations sso --outputs-file"


def _outputs(
    options: Options, landing_zone: LandingZone, file: Path | None
) -> tuple[Mapping[str, Mapping[str, Any]], Path]:
    """Returns the outputs, and where they are from: the file, and where none was named or written, the states."""
    if file or Path(OUTPUTS_FILE).exists():
        return read_outputs(file or Path(OUTPUTS_FILE)), file or Path(OUTPUTS_FILE)
    from strata.aws.states import read_state

    project, aws = landing_zone.project, connect(options, landing_zone.project)
    states = {stack: read_state(aws, project, stack).get("outputs", {}) for stack in ("organizations", "sso")}
    if not states["organizations"]:
        text = f"s3://{project.state_bucket} has no outputs of organizations; deploy it, or name a file with --outputs"
        raise StrataError(Message("not-deployed", text, stack="organizations"))
    values = {stack: {name: output["value"] for name, output in outputs.items()} for stack, outputs in states.items()}
    return values, Path(f"s3:/{project.state_bucket}")


def read_outputs(file: Path) -> dict[str, dict[str, Any]]:
    """Returns the outputs by stack and name that cdktf wrote to a file.

    Raises:
        StrataError: the file does not exist, or has other content.
    """
    try:
        content = json_module.loads(read_bytes(file))
    except (FileNotFoundError, NotADirectoryError):
        text = f"{file} does not exist; create it with {_COMMAND} {word(file)}"
        raise StrataError(Message("no-such-file", text, place=str(file))) from None
    except UnreadableError as error:
        text = f"{file} {error.problem}; create it again with {_COMMAND} {word(file)}"
        raise StrataError(error.problem.saying(text, place=str(file))) from error
    except (RecursionError, ValueError) as error:
        text = f"{file} cannot be read as JSON: {error}; create it again with {_COMMAND} {word(file)}"
        raise StrataError(Message("not-json", text, place=str(file))) from error
    stacks = content.items() if isinstance(content, dict) else ()
    # cdktf names an output by its construct, which is `output.<name>` here.
    return {
        stack: {name.removeprefix("output."): value for name, value in outputs.items()}
        for stack, outputs in stacks
        if isinstance(outputs, dict)
    }


def _offline_facts(
    outputs: Mapping[str, Mapping[str, Any]], file: Path, landing_zone: LandingZone, portal: Portal | None
) -> OrganizationFacts:
    stored = outputs.get("organizations", {}).get("account_ids")
    ids = stored if isinstance(stored, dict) else {}
    bad = [key for key, value in ids.items() if not (isinstance(value, str) and re.fullmatch(r"[0-9]{12}", value))]
    if not ids or bad:
        what = f"account_ids.{min(bad)} is not an account id" if bad else "has no account_ids"
        text = f"{file}: organizations: {what}; create it again with {_COMMAND} {word(file)}"
        raise StrataError(Message("outputs-malformed", text, place=str(file), account=min(bad, default="")))
    own = landing_zone.project.management_account.id
    if ids.get(MANAGEMENT) != own:
        text = (
            f"{file} is of another organization: its management account is {ids.get(MANAGEMENT)}, project.yaml has "
            f"{own}; create it again with {_COMMAND} {word(file)}"
        )
        raise StrataError(Message("other-organization", text, place=str(file), account=ids.get(MANAGEMENT)))
    warnings = [_missing(key, None) for key in landing_zone.accounts if key not in ids]
    return OrganizationFacts({key: ids[key] for key in landing_zone.accounts if key in ids}, portal, tuple(warnings))


# The operator and the file


def _default_file() -> Path:
    """Returns the file that the AWS CLI reads."""
    named = os.path.expandvars(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
    file, user = Path(named), Path(named).parts[0]
    if not user.startswith("~"):
        return file
    home = Path(os.path.expanduser(user))  # noqa: PTH111 - of somebody unknown it stays `~name`, and raises nothing
    if not home.is_dir():
        where = f"{user} has no home folder" if str(home) == user else f"the home folder {home} does not exist"
        text = f"{where}, so {named} is nowhere; name the file with --file or AWS_CONFIG_FILE"
        raise StrataError(Message("no-home-folder", text, place=named))
    return home.joinpath(*file.parts[1:])


def _region(region: str) -> str:
    if region not in aws_limits().regions:
        text = f"{region!r} is not an AWS region{did_you_mean(region, aws_limits().regions)}; correct --region"
        raise StrataError(Message("unknown-name", text, kind="region", name=region))
    return region


def _count(profiles: Profiles) -> str:
    through = "Identity Center" if profiles.portal else ACCESS_ROLE
    return f"{counted(len(profiles.profiles), 'profile')} through {through}"


def _print_result(profiles: Profiles, update: aws_config.Update, path: Path, *, json: bool, current: bool) -> None:
    if json:
        facts = {
            "file": str(path),
            "up_to_date": current,
            "portal": asdict(profiles.portal) if profiles.portal else None,
            "profiles": [asdict(profile) for profile in profiles.profiles],
            "warnings": [warning_facts(text) for text in profiles.warnings],
        }
        document(json_output("profiles", facts))
    else:
        for text in update.diff:
            print(line(text))


def _bring_up_to_date(
    options: Options, profiles: Profiles, update: aws_config.Update, path: Path, before: str | None, *, yes: bool
) -> bool:
    """Shows what changes, asks, and writes the file if need be; returns whether it is up to date."""
    from datetime import UTC, datetime

    if update.current:
        options.note(f"{path} is up to date: {_count(profiles)}")
        return True
    if yes:
        for text in update.diff:
            options.note(text)
    else:
        print(*map(line, update.diff), sep="\n", file=sys.stderr, flush=True)
        if not confirmed(f"write this to {path}?", instead="the diff"):
            options.note("nothing was changed")
            return False
    backup = aws_config.write(path, before, update.text, datetime.now(UTC))
    options.note(f"wrote {path}: {_count(profiles)}{f'; as it was: {backup}' if backup else ''}")
    return True


def _print_next(profiles: Profiles, short_name: str, file: Path | None) -> None:
    if not profiles.profiles:
        return
    if file and file.absolute() != _default_file().absolute():
        print(f"export AWS_CONFIG_FILE={word(file.absolute())}")
    if profiles.portal:
        print(f"aws sso login --sso-session {word(short_name)}")
    first = next((profile for profile in profiles.profiles if profile.account == MANAGEMENT), profiles.profiles[0])
    print(f"export AWS_PROFILE={word(first.name)}")
