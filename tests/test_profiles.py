"""`strata profiles`: what the profiles are, what becomes of the file around them, and the command against moto."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.configloader
import botocore.handlers
import botocore.loaders
import botocore.session
import moto.organizations.utils
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from typer.testing import CliRunner

from strata.aws.organization import ListedAccount
from strata.aws.session import Aws
from strata.cli import app
from strata.commands.profiles import OrganizationFacts, Profile, build_profiles, default_file, identify, sections
from strata.errors import StrataError
from strata.files import aws_config
from strata.landing_zone import LandingZone
from strata.load import load
from tests.said import Said

OURS = "210987654320"

PROJECT = f"""name: acme
short_name: ac
management_account:
  id: "{OURS}"
  name: master
  email: master@example.com
regions:
  primary: eu-west-1
  secondary: eu-central-1
"""
ORGANIZATION = """organizational_units:
  main:
accounts:
  audit:
    email: AWS+Audit@acme.io
    organizational_unit: main
  dev:
    email: aws+dev@acme.io
    organizational_unit: main
  old:
    email: aws+old@acme.io
    organizational_unit: main
    retired: true
unmanaged_accounts:
  - aws+elsewhere@acme.io
"""
SSO = """users:
  ann:
    given_name: Ann
    family_name: Lee
    email: ann@acme.io
  bob:
    given_name: Bob
    family_name: Ray
    email: bob@acme.io
  eve:
    given_name: Eve
    family_name: Oz
    email: eve@acme.io
groups:
  admins:
    members:
      - ann
  auditors:
    external: true
permission_sets:
  admin:
    name: Full-Access
    policies:
      - aws: AdministratorAccess
  look:
    policies:
      - aws: ReadOnlyAccess
assignments:
  - permission_sets:
      - admin
    groups:
      - admins
    accounts: all
  - permission_sets:
      - look
    users:
      - bob
    groups:
      - auditors
    accounts:
      - dev
state_access:
  groups:
    - admins
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A small valid configuration."""
    return written(tmp_path / "config")


def written(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "project.yaml").write_text(PROJECT)
    (folder / "organization.yaml").write_text(ORGANIZATION)
    (folder / "security.yaml").write_text("budget:\n  mode: off\n")
    (folder / "sso.yaml").write_text(SSO)
    return folder


@pytest.fixture
def landing_zone(config: Path) -> LandingZone:
    return load(config)


# What the profiles are

IDS = {"management": OURS, "audit": "111111111112", "dev": "111111111113"}
PORTAL = "https://d-1234567890.awsapps.com/start"
BEFORE, SIGNED_IN = OrganizationFacts(IDS, None), OrganizationFacts(IDS, PORTAL)


def built(landing_zone: LandingZone, facts: OrganizationFacts = SIGNED_IN, **given: Any) -> list[Profile]:
    return build_profiles(landing_zone, facts, **{"region": "eu-west-1", **given})[0]


def names(profiles: list[Profile]) -> list[str]:
    return [profile.name for profile in profiles]


ANNS = ["ac-audit-admin", "ac-dev-admin", "ac-management-StateAccess", "ac-management-admin"]


@pytest.mark.parametrize(
    ("user", "expected"), [(None, sorted([*ANNS, "ac-dev-look"])), ("ann", ANNS), ("bob", ["ac-dev-look"])]
)
def test_one_profile_per_account_and_permission_set_that_somebody_may_use(
    landing_zone: LandingZone, user: str | None, expected: list[str]
) -> None:
    """A user has what groups and direct assignments give."""
    assert names(built(landing_zone, user=user)) == expected


@pytest.mark.parametrize(
    ("facts", "user", "warned"),
    [
        (SIGNED_IN, None, []),
        (SIGNED_IN, "bob", [("members-unseen", {"groups": ["auditors"]})]),
        (
            OrganizationFacts({"management": OURS}, PORTAL),
            None,
            [("account-without-profile", {"accounts": ["audit", "dev"]})],
        ),
    ],
)
def test_what_lacks_a_profile_is_warned_of(
    landing_zone: LandingZone, facts: OrganizationFacts, user: str | None, warned: list[Any], said: Said
) -> None:
    _, warnings = build_profiles(landing_zone, facts, region="eu-west-1", user=user)
    assert [(one.id, one.data) for one in said(warnings)] == warned


@pytest.mark.parametrize(
    ("facts", "given", "id"),
    [
        (SIGNED_IN, {"user": "anne"}, "unknown-name"),
        (SIGNED_IN, {"user": "eve"}, "no-access"),
        (BEFORE, {"user": "ann", "source": "boot"}, "arguments-conflict"),
        (BEFORE, {}, "argument-missing"),
    ],
)
def test_what_cannot_be_met_is_refused(
    landing_zone: LandingZone, facts: OrganizationFacts, given: dict[str, str], id: str, said: Said
) -> None:
    with pytest.raises(StrataError) as error:
        built(landing_zone, facts, **given)
    assert said.ids(error) == [id]


def test_before_identity_center_profiles_assume_the_role_of_members_alone(landing_zone: LandingZone) -> None:
    profiles = built(landing_zone, BEFORE, source="my boot")
    assert names(profiles) == ["ac-audit-oaar", "ac-dev-oaar"]
    assert dict(profiles[1].settings) == {
        "role_arn": "arn:aws:iam::111111111113:role/OrganizationAccountAccessRole",
        "source_profile": "my boot",
        "region": "eu-west-1",
    }
    assert list(sections(landing_zone.project, BEFORE, profiles)) == ["profile ac-audit-oaar", "profile ac-dev-oaar"]


@pytest.mark.parametrize("source", ["", " a", "a\nrole_arn = arn:aws:iam::1:role/x"])
def test_a_source_that_the_aws_cli_reads_otherwise_is_refused(landing_zone: LandingZone, source: str) -> None:
    with pytest.raises(StrataError):
        built(landing_zone, BEFORE, source=source)


# Which account is which


def test_two_profiles_of_one_name_are_refused(config: Path, said: Said) -> None:
    organization = ORGANIZATION.replace(
        "  dev:", "  audit-x:\n    email: a@b.io\n    organizational_unit: main\n  dev:"
    )
    (config / "organization.yaml").write_text(organization)
    more = "  x-admin:\n    policies:\n      - aws: ReadOnlyAccess\nassignments:\n"
    more += "  - permission_sets:\n      - x-admin\n    users:\n      - bob\n    accounts:\n      - audit\n"
    (config / "sso.yaml").write_text(SSO.replace("assignments:\n", more))
    with pytest.raises(StrataError) as error:
        built(load(config), OrganizationFacts({**IDS, "audit-x": "111111111119"}, PORTAL))
    (told,) = said(error)
    assert (told.id, told.data) == ("name-taken", {"kind": "profile", "name": "ac-audit-x-admin"})


def live(id: str, name: str, email: str, state: str = "ACTIVE") -> ListedAccount:
    return ListedAccount(id, name, email, state)


ROOT = live(OURS, "whatever", "changed@acme.io")
AUDIT = live("111111111112", "acme-audit", "aws+audit@ACME.io")
DEV = live("111111111113", "acme-dev", "aws+dev@acme.io")


def test_active_members_are_known_by_their_address_whatever_its_case(landing_zone: LandingZone) -> None:
    retired = live("111111111114", "acme-old", "aws+old@acme.io")
    undeclared = live("111111111115", "new", "x@acme.io")

    assert identify([ROOT, AUDIT, DEV, retired, undeclared], landing_zone) == IDS
    for state in ("CLOSED", "SUSPENDED", "PENDING_ACTIVATION"):
        closed = live(DEV.id, DEV.name, DEV.email, state)
        assert identify([ROOT, AUDIT, closed], landing_zone).keys() == {"management", "audit"}


def test_another_organization_is_refused(landing_zone: LandingZone, said: Said) -> None:
    with pytest.raises(StrataError) as error:
        identify([AUDIT, DEV], landing_zone)
    assert [(one.id, one.data) for one in said(error)] == [("other-organization", {"account": OURS})]


# The block and what is around it

SECTIONS = {
    "sso-session ac": {"sso_start_url": PORTAL, "sso_region": "eu-west-1"},
    "profile ac-dev-look": {"sso_session": "ac", "sso_account_id": IDS["dev"]},
}
FEWER = {"profile ac-audit-oaar": {"region": "eu-west-1"}}
SECRET = "wJalrXUtnFEMI"
MINE = f"# mine\n[default]\nregion = eu-west-1\n\n[profile boot]\naws_secret_access_key = {SECRET}\n"


def updated(text: str, sections: Mapping[str, Mapping[str, str]] = SECTIONS, owner: str = "ac") -> str:
    return aws_config.replaced("f", text, owner, aws_config.block(owner, sections))


BLOCK = updated("")
LINE = st.sampled_from(
    ["[default]", "[profile x]", "[plugins]", "# it", "; so", "region = é", "s3 =", "  a = b", "", " \t", "\x85\u2028"]
)
FILES = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n"]))).map(
    lambda lines: "".join(line + ending for line, ending in lines)
)


@given(st.one_of(FILES, FILES.map(lambda text: text.rstrip("\r\n"))), FILES)
def test_whatever_is_around_the_block_stays_byte_for_byte(before: str, after: str) -> None:
    once = updated(before)
    assert once.startswith(before)
    assert once[len(before) :].strip() == BLOCK.strip()
    assert updated(once) == once
    kept = once[: once.index("# >>> strata")]
    again = updated(once + after, FEWER)
    assert again == kept + updated("", FEWER) + after


def test_projects_live_side_by_side() -> None:
    other = {"profile zz-dev-look": {"region": "eu-west-1"}}
    both = updated(updated(MINE), other, owner="zz")
    again = updated(both, FEWER)
    assert again.startswith(MINE)
    assert again.endswith(updated("", other, owner="zz"))
    assert updated(again, SECTIONS) == both


REFUSED: dict[str, tuple[str, dict[int, str]]] = {
    "no end": (BLOCK.replace("# <<< strata ac <<<\n", ""), {1: "block-damaged"}),
    "no beginning": ("\n# <<< strata ac <<<\n", {2: "block-damaged"}),
    "reversed": ("# <<< strata ac <<<\n# >>> strata ac >>>\n", {1: "block-damaged"}),
    "twice": (BLOCK + BLOCK, {1: "block-damaged"}),
    "taken before": (
        '[profile ac-dev-look]\n[default]\n[profile "ac-dev-look"] # see [1]\n[sso-session ac]\n[profile ac]\n',
        {1: "name-taken", 3: "name-taken", 4: "name-taken"},
    ),
    "taken after": (f"{BLOCK}[profile 'ac-dev-look']\n", {BLOCK.count("\n") + 1: "name-taken"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_speaks_against_writing_is_said_with_line_and_remedy(name: str, said: Said) -> None:
    text, expected = REFUSED[name]
    with pytest.raises(StrataError) as caught:
        updated(text)
    assert [(one.place, one.id) for one in said(caught)] == [(f"f:{line}", id) for line, id in expected.items()]


# The file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "aws" / "config"
    file.parent.mkdir()
    file.write_text(MINE)
    return file


def test_a_new_file_has_a_folder_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "home" / ".aws" / "config"
    assert aws_config.read(file) is None
    aws_config.write(file, None, "new\n")
    assert [path.name for path in file.parent.iterdir()] == ["config"]
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o600), (0o600, 0o600), (0o400, 0o400), (None, 0o600)])
def test_nobody_else_can_read_it(file: Path, before: int | None, after: int) -> None:
    if before is None:
        file.unlink()
    else:
        file.chmod(before)
    aws_config.write(file, None if before is None else MINE, "new\n")
    assert stat.S_IMODE(file.stat().st_mode) == after


def test_what_somebody_else_wrote_meanwhile_is_not_lost(file: Path, said: Said) -> None:
    with pytest.raises(StrataError) as error:
        aws_config.write(file, "as it was when asked\n", "new\n")
    (told,) = said(error)
    assert (told.id, told.place) == ("changed-meanwhile", str(file))
    assert [path.name for path in file.parent.iterdir()] == ["config"]
    assert file.read_text() == MINE


# The command, against moto


@dataclass
class Cloud:
    """An organization in moto, with the hooks to answer as AWS does."""

    calls: list[str] = field(default_factory=list)
    instances: list[dict[str, Any]] | None = field(default_factory=list)
    refused: tuple[str, str] = ("", "")
    beside: boto3.Session = field(default_factory=boto3.Session)

    def before(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        call = event_name.removeprefix("before-send.")
        self.calls.append(call)
        if call == self.refused[0]:
            return response(request.url, 400, {"__type": self.refused[1], "Message": "no"})
        if call == "sso-admin.ListInstances" and self.instances is not None:
            return response(request.url, 200, {"Instances": self.instances})
        return None

    @staticmethod
    def as_aws_does(parsed: dict[str, Any], **_: Any) -> None:
        """Status was retired; a closed account is CLOSED."""
        for account in parsed.get("Accounts", ()):
            del account["Status"]
            account["State"] = account["State"].replace("SUSPENDED", "CLOSED")

    @property
    def organizations(self) -> Any:
        """A client whose calls do not count."""
        return self.beside.client("organizations", region_name="us-east-1")

    def account(self, name: str, email: str) -> str:
        created = self.organizations.create_account(AccountName=name, Email=email)["CreateAccountStatus"]
        return str(created["AccountId"])


def response(url: str, status: int, body: dict[str, Any]) -> AWSResponse:
    class Raw:
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield json.dumps(body).encode()

    return AWSResponse(url, status, {}, Raw())


SERVICE_MODELS = botocore.loaders.create_loader()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, file: Path) -> Iterator[Cloud]:
    """An organization with the accounts of the configuration, credentials in the environment, pages of 20."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "STRATA_", "MOTO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setitem(moto.organizations.utils.PAGINATION_MODEL["list_accounts"], "limit_default", 20)
    monkeypatch.setattr(botocore.session, "create_loader", lambda _: SERVICE_MODELS)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with mock_aws(config={"core": {"mock_credentials": False}}):
        role = f"arn:aws:iam::{OURS}:role/admin"
        sts = boto3.Session("any", "thing", region_name="us-east-1").client("sts")
        keys = sts.assume_role(RoleArn=role, RoleSessionName="admin")["Credentials"]
        lines = [f"aws_access_key_id = {keys['AccessKeyId']}", f"aws_session_token = {keys['SessionToken']}"]
        file.write_text("\n".join(["[profile boot]", f"aws_secret_access_key = {keys['SecretAccessKey']}", *lines, ""]))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
        monkeypatch.setenv("AWS_PROFILE", "boot")
        cloud = Cloud(beside=boto3.Session())
        cloud.organizations.create_organization(FeatureSet="ALL")
        for key in ("audit", "dev", "old"):
            cloud.account(f"acme-{key}", f"aws+{key}@acme.io")
        hooks = [
            ("before-send", cloud.before),
            ("after-call.organizations.ListAccounts", cloud.as_aws_does),
        ]
        monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", [*hooks, *botocore.handlers.BUILTIN_HANDLERS])
        yield cloud


Strata = Callable[..., Any]


@pytest.fixture
def strata(config: Path, monkeypatch: pytest.MonkeyPatch) -> Strata:
    """The command as an operator runs it: without a terminal unless there is something to answer."""

    def run(*arguments: str, answer: str | None = None) -> Any:
        if answer is not None:
            monkeypatch.setattr("strata.terminal.interactive", lambda: True)
        return CliRunner().invoke(app, ["profiles", "--config", str(config), *arguments], input=answer)

    return run


def instance(**given: Any) -> dict[str, Any]:
    arn = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
    ours = {"InstanceArn": arn, "IdentityStoreId": "d-1234567890", "OwnerAccountId": OURS, "Status": "ACTIVE"}
    return {**ours, **given}


def headers(file: Path) -> list[str]:
    return [line for line in file.read_text().splitlines() if line.startswith("[")]


def test_before_identity_center_the_profiles_work(cloud: Cloud, strata: Strata, file: Path) -> None:
    """The AWS SDK assumes the member's role with what was written."""
    done = strata("--yes")
    assert done.exit_code == 0, done.output
    assert headers(file) == ["[profile boot]", "[profile ac-audit-oaar]", "[profile ac-dev-oaar]"]
    session = boto3.Session(profile_name="ac-dev-oaar")
    caller = session.client("sts").get_caller_identity()
    assert f"arn:aws:iam::{caller['Account']}:role/OrganizationAccountAccessRole" in file.read_text()
    assert ":assumed-role/OrganizationAccountAccessRole/" in caller["Arn"]
    assert caller["Account"] != OURS
    assert session.region_name == "eu-west-1"


def test_after_identity_center_the_sdk_reads_every_profile(cloud: Cloud, strata: Strata, file: Path) -> None:
    cloud.instances = [instance()]
    assert strata("--yes").exit_code == 0
    read = botocore.session.Session(profile="ac-dev-admin").full_config
    assert read["sso_sessions"] == {
        "ac": {
            "sso_start_url": "https://d-1234567890.awsapps.com/start",
            "sso_region": "eu-west-1",
            "sso_registration_scopes": "sso:account:access",
        }
    }
    assert sorted(read["profiles"]) == [
        "ac-audit-admin",
        "ac-dev-admin",
        "ac-dev-look",
        "ac-management-StateAccess",
        "ac-management-admin",
        "boot",
    ]
    profile = read["profiles"]["ac-dev-admin"]
    assert profile.pop("sso_account_id").isdigit()
    assert profile == {"sso_session": "ac", "sso_role_name": "Full-Access", "region": "eu-west-1"}


def test_a_store_that_gives_no_start_url_is_explained(cloud: Cloud, strata: Strata, said: Said) -> None:
    cloud.instances = [instance(IdentityStoreId="12345678-1234-1234-1234-123456789012")]
    assert said.ids(strata("--yes")) == ["start-url-unknown"]


def test_a_start_url_in_the_configuration_is_taken_as_it_is(
    cloud: Cloud, strata: Strata, file: Path, config: Path
) -> None:
    more = "identity_center:\n  region: us-east-1\n  start_url: https://acme.awsapps.com/start\n"
    (config / "project.yaml").write_text(PROJECT + more)
    assert strata("--yes").exit_code == 0
    assert "sso_start_url = https://acme.awsapps.com/start\nsso_region = us-east-1\n" in file.read_text()
    assert "sso-admin.ListInstances" not in cloud.calls


def test_the_bootstrap_profile_is_not_one_that_goes_away(
    cloud: Cloud, strata: Strata, file: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.instances = [instance()]
    strata("--yes")
    before = file.read_text()
    monkeypatch.setattr("strata.commands.profiles.connect", lambda options, _: Aws(None, options.region))
    refused = strata("--yes", "--bootstrap", "--profile", "ac-management-admin")
    assert (refused.exit_code, file.read_text()) == (1, before)
    assert [(one.id, one.data) for one in said(refused)] == [("source-in-block", {"profile": "ac-management-admin"})]


@pytest.mark.parametrize(
    ("operation", "code", "id"),
    [
        ("organizations.ListAccounts", "TooManyRequestsException", "aws-throttled"),
        ("organizations.ListAccounts", "AWSOrganizationsNotInUseException", "other-organization"),
        ("sso-admin.ListInstances", "AccessDeniedException", "aws-denied"),
    ],
)
def test_what_aws_refuses_is_said_and_nothing_is_written(
    cloud: Cloud, strata: Strata, file: Path, said: Said, operation: str, code: str, id: str
) -> None:
    """Access that is refused does not pass for an Identity Center that is off."""
    cloud.instances = [instance()]
    strata("--yes")
    before, cloud.refused = file.read_text(), (operation, code)
    done = strata("--yes")
    assert (done.exit_code, file.read_text()) == (1, before)
    assert said.ids(done) == [id]


# What the operator sees


def listing(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


def test_check_tells_by_its_exit_code_and_writes_nothing(cloud: Cloud, strata: Strata, file: Path) -> None:
    before = listing(file.parent)
    outdated = strata("--check", "--yes")
    assert (outdated.exit_code, listing(file.parent)) == (3, before)
    assert (outdated.stdout, "out of date: 2 profiles" in outdated.stderr) == ("", True)
    strata("--yes")
    assert strata("--check").exit_code == 0
    file.write_text(file.read_text().replace("-dev-", "-other-"))
    assert strata("--check").exit_code == 3


def test_dry_run_prints_the_block_and_writes_nothing(cloud: Cloud, strata: Strata, file: Path) -> None:
    before = listing(file.parent)
    done = strata("--dry-run", "--yes")
    assert (done.exit_code, listing(file.parent)) == (0, before)
    strata("--yes")
    assert file.read_text().endswith(f"\n\n{done.stdout}")


@pytest.mark.parametrize(
    ("answer", "written"), [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False), ("", False)]
)
def test_it_says_how_many_and_writes_only_when_told_to(
    cloud: Cloud, strata: Strata, file: Path, answer: str, written: bool
) -> None:
    done = strata(answer=answer)
    assert ("oaar" in file.read_text(), done.exit_code) == (written, 0 if written else 1)
    assert f"write 2 profiles through OrganizationAccountAccessRole to {file}? [y/N]" in done.stderr
    assert "[profile" not in done.output


def test_what_comes_next_is_on_stdout_and_nothing_else(
    cloud: Cloud, strata: Strata, file: Path, tmp_path: Path
) -> None:
    assert strata("--yes").stdout == "export AWS_PROFILE=ac-audit-oaar\n"
    cloud.instances = [instance()]
    expected = "aws sso login --sso-session ac\nexport AWS_PROFILE=ac-management-StateAccess\n"
    assert strata("--yes").stdout == expected
    quiet = strata("--yes", "--quiet", "--user", "ann")
    assert (quiet.stdout, "ac-dev-look" in file.read_text()) == (expected, False)
    assert [line for line in quiet.stderr.splitlines() if not line.startswith("warning:")] == []
    other = tmp_path / "an other"
    assert strata("--yes", "--file", str(other)).stdout == f"export AWS_CONFIG_FILE='{other}'\n{expected}"


@pytest.mark.parametrize("arguments", [["--yes"], ["--dry-run"], ["--check"], ["--json"], ["--debug", "--yes"]])
def test_no_secret_of_the_file_is_ever_shown(cloud: Cloud, strata: Strata, file: Path, arguments: list[str]) -> None:
    lines = file.read_text().splitlines()
    secrets = [line.split(" = ")[1] for line in lines if line.startswith("aws_")]
    after = f"[profile z]\naws_secret_access_key = {SECRET}\n"
    strata("--yes")
    file.write_text(file.read_text().replace("-dev-", "-other-") + after)
    done = strata(*arguments)
    assert "2 profiles" in done.stderr
    assert not [secret for secret in [*secrets, SECRET] if secret in done.output]


def test_the_file_is_the_one_the_aws_cli_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HERE", "there")
    for named, file in (("~/$HERE/mine", tmp_path / "there" / "mine"), ("", tmp_path / ".aws" / "config")):
        monkeypatch.setenv("AWS_CONFIG_FILE", named)
        assert default_file() == file
