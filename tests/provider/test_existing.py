"""Each row of the table of what may exist already: the id from a plan imports, and the error of a creation is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn, cast

import pytest

from strata.aws import session
from strata.errors import Message
from strata.kinds import RESOURCES
from strata.load import load
from strata.options import Options
from strata.terraform.events import Events
from strata.terraform.existing import ExistingTable, exists_already
from strata.terraform.plans import Plan, PlannedChange, changes
from strata.terraform.progress import Progress
from tests.aws import real_provider
from tests.aws.client import ACCOUNT, emulated_aws
from tests.aws.provider5 import mend
from tests.aws.real_provider import RealProvider
from tests.provider.schema import load_schema
from tests.provider.server import provider
from tests.provider.trial import CREDENTIALS, Json, Trial, environment, everything
from tests.synthesized import COMPANY

TABLE = {type: one.existing for type, one in RESOURCES.items() if one.existing}
ROWS = sorted(type for type, row in TABLE.items() if row.id)
NEEDED = "aws_s3_bucket.state"
"""What the trail waits for; there is another bucket for the row."""
GROUND = ("organization", "organizational_unit", "account", "policy")
SETTINGS = ("terraform", "provider", "variable", "locals")


@dataclass(frozen=True)
class Found:
    """What a plan over an empty state gave."""

    planned: Plan
    ids: dict[str, str]
    early: dict[str, str]
    imported: dict[str, str]
    """What a plan with these ids does."""
    said: dict[str, str]
    """The errors of an apply without them, by address."""


@pytest.fixture(scope="module", params=["stand-in", "real"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """Everything exists, and no state has the types of the table; with the real provider those without a region."""
    folder, terraform = tmp_path_factory.mktemp("existing"), real_provider.terraform()
    with emulated_aws(folder / "aws.log") as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        if request.param == "real":
            real: RealProvider = request.getfixturevalue("real")
            stack = without_region(everything())
            if real.shimmed:
                mend(stack, real.version)
            variables = environment() | aws.environment() | real.environment(folder / "provider", terraform)
            yield look(Trial(aws, folder, terraform, variables, stack))
        else:
            with provider(aws.url, CREDENTIALS) as served:
                variables = environment() | aws.environment() | served
                yield look(Trial(aws, folder, terraform, variables, everything()))


def everywhere() -> list[str]:
    """Returns the types of the table that are in no region."""
    return [type for type in ROWS if not load_schema()["resources"][type]["attributes"].get("region")]


def without_region(stack: Json) -> Json:
    kept = {*everywhere(), *(f"aws_organizations_{name}" for name in GROUND)}
    resources = {type: entries for type, entries in stack["resource"].items() if type in kept}
    locals_ = {"locals": {name: stack["locals"][name] for name in ("root", "specification")}}
    return {**{name: stack[name] for name in SETTINGS}, **locals_, "resource": resources}


def look(trial: Trial) -> Found:
    trial.aws.order("prompt")
    trial.aws.switch_identity_center_on("eu-central-1")
    made = trial.folder_of("made", trial.stack)
    trial.terraform_in(made, "apply", "-auto-approve")
    blocks = trial.imports_of(made)
    others = [one for one in blocks if one["to"].partition(".")[0] not in ROWS or one["to"] == NEEDED]
    bare = trial.folder_of("bare", {**trial.stack, "import": others})
    trial.terraform_in(bare, "plan", "-out=plan")
    planned = Plan("main", dict(changes(json.loads(trial.terraform_in(bare, "show", "-json", "plan")))))
    company = load(COMPANY).project
    account = company.management_account.model_copy(update={"id": ACCOUNT})
    existing = ExistingTable(
        session.Aws(None, "eu-central-1"), company.model_copy(update={"management_account": account})
    )
    ids, early = existing.ids(planned, planned.changes), existing.early(planned)
    blocks = [{"to": address, "id": id} for address, id in ids.items()]
    whole = trial.folder_of("whole", {**trial.stack, "import": [*others, *blocks]})
    imported = trial.plan_of(whole).actions
    events = Events(Progress(Options(Path("config"), quiet=True)), "main")
    for line in trial.terraform_in(bare, "apply", "-json", "plan", may_fail=True).splitlines():
        events.take(line)
    return Found(planned, ids, early, imported, {one.address or "": one.text for one in events.failures})


@pytest.mark.e2e
def test_every_row_gives_an_id_that_imports(found: Found) -> None:
    """Nothing of the table is created, replaced or left out; what differs is updated."""
    wanted = {one for one in found.planned.changes if one.partition(".")[0] in ROWS and one != NEEDED}
    assert wanted == found.ids.keys()
    assert {address.partition(".")[0] for address in wanted} >= set(everywhere())
    assert {found.imported[address] for address in wanted} <= {"import, no-op", "import, update"}


@pytest.mark.e2e
def test_every_conflict_is_told_by_its_words(found: Found) -> None:
    """The error of a creation says that the thing exists; where it overwrites, there is none."""
    # AWS has one of these in a region, and rejects another name alone: the scenario of Config has one of another name.
    by_name = {"aws_config_configuration_recorder", "aws_config_delivery_channel"}
    conflicts = {
        address for address in found.ids if TABLE[type := address.partition(".")[0]].conflict and type not in by_name
    }
    told = {address for address, text in found.said.items() if exists_already(address, text)}
    assert told == conflicts, found.said


@pytest.mark.e2e
def test_what_waits_overwrites_or_is_made_twice_is_asked_about_before(found: Found) -> None:
    """A customer managed policy and attributes for access control above all: the provider waits for most of an hour."""
    in_members = {"aws_iam_role"}  # asked about there alone
    assert {address.partition(".")[0] for address in found.early} == {
        type for address in found.ids if TABLE[type := address.partition(".")[0]].early
    } - in_members
    assert found.early.items() <= found.ids.items()


def test_a_type_has_a_region_in_its_id_if_it_has_one_in_the_provider() -> None:
    """An id without it finds what has the same name in the provider's region, and that is then replaced."""
    by_arn = {"aws_cloudtrail"}
    assert {type for type, row in TABLE.items() if row.regional} == {
        type for type in TABLE if "region" in load_schema()["resources"][type]["attributes"]
    } - by_arn


def test_the_id_of_another_region_names_it() -> None:
    """The analyzer of a second region is not the one of the first, though both have one name."""
    existing = ExistingTable(session.Aws(None, "eu-central-1"), load(COMPANY).project)
    values = {"analyzer_name": "ex-organization", "region": "eu-west-1"}

    assert existing.id_of("aws_accessanalyzer_analyzer", values) == "ex-organization@eu-west-1"
    assert existing.id_of("aws_accessanalyzer_analyzer", {"region": "eu-west-1"}) is None


def test_an_id_that_follows_from_the_plan_needs_no_answer() -> None:
    """After an interruption or a conflict it is imported though AWS refuses the question that is asked before."""

    def denied(*_: object) -> NoReturn:
        raise session.AwsError(Message("denied", "denied"), "AccessDenied")

    aws = cast("session.Aws", SimpleNamespace(client=denied))
    ids = ExistingTable(aws, load(COMPANY).project)
    reference = [{"name": "Billing", "path": "/"}]
    of_set = {"permission_set_arn": "arn:set", "instance_arn": "arn:instance"}

    assert ids.id_of("aws_iam_account_password_policy", {}) == "iam-account-password-policy"
    assert ids.id_of("aws_ssoadmin_instance_access_control_attributes", of_set) == "arn:instance"
    found = ids.id_of(
        "aws_ssoadmin_customer_managed_policy_attachment", {**of_set, "customer_managed_policy_reference": reference}
    )
    assert found == "Billing,/,arn:set,arn:instance"


def test_a_contact_of_an_account_that_has_no_id_yet_is_not_that_of_the_management_account() -> None:
    """AWS answers a question without an id with its own contact, which an import would take over and overwrite."""
    client = SimpleNamespace(get_alternate_contact=lambda **_: {"AlternateContact": {"Name": "SOC"}})
    aws = cast("session.Aws", SimpleNamespace(client=lambda *_: client))
    arguments = {"alternate_contact_type": "SECURITY"}
    kind = "aws_account_alternate_contact"
    planned = Plan(
        "accounts",
        {
            f"{kind}.management_security": PlannedChange("create", arguments=arguments),
            f"{kind}.new_security": PlannedChange("create", unknown=frozenset({"account_id"}), arguments=arguments),
            f"{kind}.shop_security": PlannedChange("create", arguments={**arguments, "account_id": "1"}),
        },
    )

    project = load(COMPANY).project
    early = ExistingTable(aws, project).early(planned)

    assert early == {f"{kind}.management_security": "/SECURITY", f"{kind}.shop_security": "1/SECURITY"}
    # What got another name in the code is imported under it by nobody: its old address would be destroyed.
    held = {"type": kind, "name": "store_security", "instances": [{"attributes": {"id": "1/SECURITY"}}]}
    early = ExistingTable(aws, project, state=lambda _: {"resources": [held]}).early(planned)
    assert early == {f"{kind}.management_security": "/SECURITY"}


def test_access_that_aws_has_is_asked_about_by_person_before_it_is_created() -> None:
    """As Control Tower gives it: the list to approve says that it is imported; what is no longer given is created."""
    kind, asked = "aws_ssoadmin_account_assignment", Counter[str]()

    def items(operation: str, _key: str, **about: str) -> list[dict[str, str]]:
        asked[operation] += 1
        if about.get("PrincipalId") == "ben":
            raise session.AwsError(Message("denied", "denied"), "AccessDenied")
        if "AccountId" in about:
            return [{"PrincipalId": "ana"}] if about["AccountId"] == "1" else []
        return [{"AccountId": account, "PermissionSetArn": "arn:set", "PrincipalId": "ana"} for account in ("1", "2")]

    aws = cast("session.Aws", SimpleNamespace(client=lambda *_: SimpleNamespace(items=items)))
    set_ = {"permission_set_arn": "arn:set", "instance_arn": "arn:i", "target_type": "AWS_ACCOUNT"}
    planned = Plan(
        "sso",
        {
            f"{kind}.{account}_Set_user_{who}": PlannedChange(
                "create",
                arguments={**set_, "principal_type": "USER", "principal_id": who, "target_id": account},
            )
            for who in ("ana", "ben")
            for account in ("1", "2", "3")
        },
    )

    early = ExistingTable(aws, load(COMPANY).project).early(planned)

    assert early == {f"{kind}.1_Set_user_ana": "ana,USER,1,AWS_ACCOUNT,arn:set,arn:i"}
    assert asked == {"list_account_assignments_for_principal": 2, "list_account_assignments": 2}
