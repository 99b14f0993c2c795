"""A plan does without a refresh only where a reading in bulk equals the state, and is then the same plan."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from strata.aws import kept
from strata.aws.session import Aws as Session
from strata.aws.states import read_state, read_version
from strata.errors import Message
from strata.inventory.pace import Pace
from strata.load import load
from strata.terraform import refresh
from strata.terraform.refresh import Refreshing
from strata.terraform.workspace import Workspace
from tests.aws.center import INSTANCE, STORE
from tests.scenarios.site import Site

Json = dict[str, Any]
Act = Callable[[Site], None]

# Edits of the configuration, with nothing changed at AWS


def edit(file: str, *changes: tuple[str, str]) -> Act:
    """Returns the edit of a file."""
    return lambda site: site.edit(file, *changes)


def sso(old: str, new: str) -> Act:
    return edit("sso.yaml", (old, new))


def renamed(kind: str, old: str, new: str) -> Act:
    """Returns the change of a key, with its recorded move."""

    def act(site: Site) -> None:
        path = site.config / "sso.yaml"
        path.write_text(path.read_text().replace(f"{old}:", f"{new}:").replace(f"- {old}\n", f"- {new}\n"))
        site.append("moves.yaml", f"- kind: {kind}\n  from: {old}\n  to: {new}\n")

    return act


def imported(site: Site) -> None:
    """A group that somebody made is imported by a line of imports.yaml."""
    made = site.client("identitystore").create_group(IdentityStoreId=STORE, DisplayName="night shift")["GroupId"]
    site.edit("sso.yaml", ("  data-analysts:\n", "  night-shift:\n    name: night shift\n  data-analysts:\n"))
    site.append("imports.yaml", f'aws_identitystore_group.night-shift: "{STORE}/{made}"\n')


def one_more_external_group(site: Site) -> None:
    site.client("identitystore").create_group(IdentityStoreId=STORE, DisplayName="Guests")
    site.edit("sso.yaml", ("  contractors:\n", "  guests:\n    name: Guests\n    external: true\n  contractors:\n"))


def an_inline_policy_denies_less(site: Site) -> None:
    path = site.config / "policies" / "own-team-only.json"
    path.write_text(path.read_text().replace('"s3:PutObject",', ""))


EVE = "  eve:\n    given_name: Eve\n    family_name: Novak\n    email: eve@nordwind.dev\n"
BILLING = "  - permission_sets:\n      - Billing\n    groups:\n      - finance\n    users:\n      - priya-raman\n"
FREE: dict[str, Act] = {
    "nothing": lambda _: None,
    "a user": sso("  anna-petersen:\n", f"{EVE}  anna-petersen:\n"),
    "another family name": sso("family_name: Petersen", "family_name: Peters"),
    "another address": sso("email: karim.haddad@", "email: k.haddad@"),
    "a name that is shown": sso("    given_name: Anna\n", "    given_name: Anna\n    display_name: Anna P.\n"),
    "a user less": edit(
        "sso.yaml",
        ("  yuki-tanaka:\n    given_name: Yuki\n    family_name: Tanaka\n    email: yuki.tanaka@nordwind.dev\n", ""),
        ("      - yuki-tanaka\n", ""),
    ),
    "a group": sso("  data-analysts:\n    desc", "  night-shift:\n    name: night shift\n  data-analysts:\n    desc"),
    "a group's name": sso("name: Platform administrators", "name: Administrators of the platform"),
    "a group's description": sso("Queries, never keys.", "Queries."),
    "a group's key": renamed("group", "platform-administrators", "operators"),
    "an external group": one_more_external_group,
    "a member": sso("      - clara-dubois\n", "      - clara-dubois\n      - lea-vogt\n"),
    "a member less": sso("      - clara-dubois\n", ""),
    "a set": sso("  Billing:\n    desc", "  Extra:\n    policies:\n      - aws: ReadOnlyAccess\n  Billing:\n    desc"),
    "a set's name": sso("    name: Auditor\n", "    name: Audits\n"),
    "a set's key": renamed("permission-set", "SecurityAuditor", "Audits"),
    "a set's description": sso("Full access.\n", "All.\n"),
    "a set's session length": sso("session_duration: PT12H", "session_duration: PT6H"),
    "a set's first page": sso(
        "region=eu-central-1\n    policies:\n      - aws: Ama", "region=x\n    policies:\n      - aws: Ama"
    ),
    "a set's tag": sso("      Team: payments\n", "      Team: pay\n      Area: shops\n"),
    "a set's tags less": sso("    tags:\n      Team: payments\n", ""),
    "a tag of the project": edit("project.yaml", ("tags:\n", "tags:\n  Division: shops\n")),
    "a policy": sso(
        "      - aws: AmazonAthenaFullAccess\n", "      - aws: AmazonAthenaFullAccess\n      - aws: ReadOnlyAccess\n"
    ),
    "a policy less": sso("      - aws: AWSBudgetsReadOnlyAccess\n", ""),
    "a policy of one's own": sso(
        "- customer: RestartServices\n", "- customer: RestartServices\n      - customer: Look\n"
    ),
    "an inline policy": an_inline_policy_denies_less,
    "an inline policy less": sso("      - inline: policies/keep-off-foundations.json\n", ""),
    "another boundary": sso("      customer: EngineerBoundary\n", "      customer: Edge\n"),
    "a boundary less": sso("    boundary:\n      aws: PowerUserAccess\n", ""),
    "an assignment": sso(BILLING, BILLING.replace("    users", "      - data-analysts\n    users")),
    "an assignment less": sso("    users:\n      - priya-raman\n", ""),
    "attributes for access control": sso("enterprise.department", "enterprise.division"),
    "attributes for access control off": sso(
        "access_control_attributes:\n  CostCenter: ${path:enterprise.costCenter}\n"
        "  Team: ${path:enterprise.department}\n",
        "",
    ),
    "no state access": sso("state_access:\n  groups:\n    - platform-administrators\n    - platform-engineers\n", ""),
    "an import": imported,
}

# Changes at AWS, and states that do not count


def people(operation: str, kind: str, key: str, **parameters: Any) -> Act:
    """Returns a call of the identity store about something that is deployed."""

    def act(site: Site) -> None:
        id = site.state("sso")[f"aws_identitystore_{kind}.{key}"][f"{kind}_id"]
        named = {f"{kind.title()}Id": id}
        getattr(site.client("identitystore"), operation)(IdentityStoreId=STORE, **named, **parameters)

    return act


def update(kind: str, key: str, path: str, value: Any) -> Act:
    return people(f"update_{kind}", kind, key, Operations=[{"AttributePath": path, "AttributeValue": value}])


def of_set(operation: str, key: str, **parameters: Any) -> Act:
    """Returns a call about a permission set that is deployed."""

    def act(site: Site) -> None:
        arn = site.state("sso")[f"aws_ssoadmin_permission_set.{key}"]["arn"]
        about = "ResourceArn" if operation.endswith("resource") else "PermissionSetArn"
        getattr(site.client("sso-admin"), operation)(InstanceArn=INSTANCE, **{about: arn}, **parameters)

    return act


def member_removed(site: Site, *, again: bool = False) -> None:
    found, store = (
        site.state("sso")["aws_identitystore_group_membership.finance_lars-johansen"],
        site.client("identitystore"),
    )
    store.delete_group_membership(IdentityStoreId=STORE, MembershipId=found["membership_id"])
    if again:
        member = {"UserId": found["member_id"]}
        store.create_group_membership(IdentityStoreId=STORE, GroupId=found["group_id"], MemberId=member)


def unassigned(name: str) -> Act:
    def act(site: Site) -> None:
        found = site.state("sso")[f"aws_ssoadmin_account_assignment.{name}"]
        site.client("sso-admin").delete_account_assignment(
            InstanceArn=INSTANCE,
            PermissionSetArn=found["permission_set_arn"],
            PrincipalId=found["principal_id"],
            PrincipalType=found["principal_type"],
            TargetId=found["target_id"],
            TargetType="AWS_ACCOUNT",
        )

    return act


def access_control(site: Site) -> None:
    wanted = {"AccessControlAttributes": [{"Key": "Team", "Value": {"Source": ["${path:x}"]}}]}
    site.client("sso-admin").update_instance_access_control_attribute_configuration(
        InstanceArn=INSTANCE, InstanceAccessControlAttributeConfiguration=wanted
    )


def access_control_off(site: Site) -> None:
    site.client("sso-admin").delete_instance_access_control_attribute_configuration(InstanceArn=INSTANCE)


RULE = "nw-identity-center-settings"


def rule(operation: str, **parameters: Any) -> Act:
    return lambda site: getattr(site.client("events"), operation)(**parameters)


def rule_described(site: Site) -> None:
    found = site.client("events").describe_rule(Name=RULE)
    kept = {name: found[name] for name in ("Name", "EventPattern", "State")}
    site.client("events").put_rule(**kept, Description="Mine.")


def rule_tagged(site: Site) -> None:
    arn = site.client("events").describe_rule(Name=RULE)["Arn"]
    site.client("events").tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}])


def target_with_dead_letters(site: Site) -> None:
    (found,) = site.client("events").list_targets_by_rule(Rule=RULE)["Targets"]
    queue = {"DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-central-1:123456789012:dead"}}
    site.client("events").put_targets(Rule=RULE, Targets=[{**found, **queue}])


def written(change: Callable[[Json], None]) -> Act:
    """Returns a change of the state, which keeps its serial."""

    def act(site: Site) -> None:
        state = json.loads(site.saved_state("sso"))
        change(state)
        key = "management/sso/terraform.tfstate"
        site.client("s3").put_object(Bucket=site.bucket, Key=key, Body=json.dumps(state))

    return act


def instance_of(state: Json, type: str) -> Json:
    found: Json = next(one for one in state["resources"] if one["type"] == type and one["mode"] == "managed")
    return found


def taint(state: Json) -> None:
    instance_of(state, "aws_identitystore_group")["instances"][0]["status"] = "tainted"


def depose(state: Json) -> None:
    found = instance_of(state, "aws_ssoadmin_permission_set")
    found["instances"].append({**found["instances"][0], "deposed": "00000001"})


def another_type(state: Json) -> None:
    found = instance_of(state, "aws_identitystore_group")
    state["resources"].append({**found, "type": "aws_ssoadmin_application", "name": "mine"})


def another_attribute(state: Json) -> None:
    instance_of(state, "aws_identitystore_group")["instances"][0]["attributes"]["colour"] = "red"


def another_lineage(state: Json) -> None:
    state["lineage"] = "11111111-2222-3333-4444-555555555555"


def plain_cdktf(site: Site) -> None:
    """Somebody deploys an edit as cdktf does."""
    site.edit("sso.yaml", ("Queries, never keys.", "Queries."))
    site.synth()
    deployed = site.apply("sso")
    assert deployed.code == 0, deployed.text[-3000:]


def recorded(change: Callable[[Json], Any]) -> Act:
    """Returns a change of runs.json."""

    def act(site: Site) -> None:
        s3 = site.client("s3")
        said = json.load(s3.get_object(Bucket=site.bucket, Key=kept.RUNS)["Body"])
        body = change(said) or json.dumps(said)
        s3.put_object(Bucket=site.bucket, Key=kept.RUNS, Body=body)

    return act


def another_version(said: Json) -> None:
    (source,) = said["runs"]["sso"]["providers"]
    said["runs"]["sso"]["providers"][source] = "4.0.0"


def fault(action: str, code: str) -> Act:
    return lambda site: site.aws.fail(action, code=code, times=99)


REFERENCE = {"CustomerManagedPolicyReference": {"Name": "RestartServices", "Path": "/"}}
DIFFERS, GONE = "differs-at-aws", "not-at-aws"
DRIFTED: dict[str, tuple[Act, str, dict[str, str]]] = {
    "a user's title": (update("user", "anna-petersen", "title", "Head"), DIFFERS, {"argument": "title"}),
    "a user's name": (update("user", "anna-petersen", "name.familyName", "Peters"), DIFFERS, {"argument": "name"}),
    "a user's address": (
        update("user", "anna-petersen", "emails", [{"value": "a@x.io", "type": "work", "primary": True}]),
        DIFFERS,
        {"argument": "emails"},
    ),
    "a user's phone": (
        update("user", "anna-petersen", "phoneNumbers", [{"value": "1", "type": "work"}]),
        DIFFERS,
        {"argument": "phone_numbers"},
    ),
    "a user deleted": (people("delete_user", "user", "lars-johansen"), GONE, {}),
    "a group renamed": (update("group", "finance", "displayName", "money"), DIFFERS, {"argument": "display_name"}),
    "a group described": (update("group", "finance", "description", "Money."), DIFFERS, {"argument": "description"}),
    "a group deleted": (people("delete_group", "group", "finance"), GONE, {}),
    "a member removed": (member_removed, GONE, {}),
    "a member made again": (partial(member_removed, again=True), GONE, {}),
    "a set described": (
        of_set("update_permission_set", "Billing", Description="Bills."),
        DIFFERS,
        {"argument": "description"},
    ),
    "a set's session": (
        of_set("update_permission_set", "Billing", SessionDuration="PT9H"),
        DIFFERS,
        {"argument": "session_duration"},
    ),
    "a set's first page": (
        of_set("update_permission_set", "Billing", RelayState="https://x.io"),
        DIFFERS,
        {"argument": "relay_state"},
    ),
    "a set tagged": (
        of_set("tag_resource", "Billing", Tags=[{"Key": "a", "Value": "b"}]),
        DIFFERS,
        {"argument": "tags_all"},
    ),
    "a set's own tag": (
        of_set("tag_resource", "PaymentsEngineer", Tags=[{"Key": "Team", "Value": "b"}]),
        DIFFERS,
        {"argument": "tags"},
    ),
    "a set untagged": (of_set("untag_resource", "Billing", TagKeys=["Owner"]), DIFFERS, {"argument": "tags_all"}),
    "a policy detached": (
        of_set(
            "detach_managed_policy_from_permission_set",
            "Billing",
            ManagedPolicyArn="arn:aws:iam::aws:policy/AWSBudgetsReadOnlyAccess",
        ),
        GONE,
        {},
    ),
    "a policy of one's own detached": (
        of_set("detach_customer_managed_policy_reference_from_permission_set", "PaymentsOperator", **REFERENCE),
        GONE,
        {},
    ),
    "another inline policy": (
        of_set("put_inline_policy_to_permission_set", "DataEngineer", InlinePolicy='{"Version": "2012-10-17"}'),
        DIFFERS,
        {"argument": "inline_policy"},
    ),
    "an inline policy deleted": (
        of_set("delete_inline_policy_from_permission_set", "DataEngineer"),
        GONE,
        {},
    ),
    "another boundary": (
        of_set("put_permissions_boundary_to_permission_set", "PaymentsEngineer", PermissionsBoundary=REFERENCE),
        DIFFERS,
        {"argument": "permissions_boundary"},
    ),
    "a boundary deleted": (
        of_set("delete_permissions_boundary_from_permission_set", "PaymentsEngineer"),
        GONE,
        {},
    ),
    "a group's access taken": (unassigned("management_Billing_group_finance"), GONE, {}),
    "a user's access taken": (unassigned("management_Billing_user_priya-raman"), GONE, {}),
    "other attributes": (access_control, DIFFERS, {"argument": "attribute"}),
    "attributes off": (access_control_off, GONE, {}),
    "a rule disabled": (rule("disable_rule", Name=RULE), DIFFERS, {}),
    "a rule described": (rule_described, DIFFERS, {"argument": "description"}),
    "a rule tagged": (rule_tagged, DIFFERS, {"argument": "tags_all"}),
    "a rule's target gone": (rule("remove_targets", Rule=RULE, Ids=["mail"]), GONE, {}),
    "a rule's target with more": (target_with_dead_letters, "not-read-in-bulk", {}),
    "other default tags": (edit("project.yaml", ("CostCenter: platform", "CostCenter: all")), "other-default-tags", {}),
    "tainted": (written(taint), "object-tainted", {}),
    "deposed": (written(depose), "object-deposed", {}),
    "a type that is not read": (written(another_type), "not-read-in-bulk", {"type": "aws_ssoadmin_application"}),
    "an attribute that is not read": (written(another_attribute), "not-read-in-bulk", {"argument": "colour"}),
    "another lineage": (written(another_lineage), "state-of-another-run", {}),
    "a run of cdktf": (plain_cdktf, "state-of-another-run", {}),
    "another provider": (recorded(another_version), "other-provider", {}),
    "a run that is not written": (recorded(lambda said: said["runs"].pop("sso") and None), "no-whole-run", {}),
    "runs.json broken": (recorded(lambda _: "{"), "kept-file-unreadable", {}),
    "runs.json of others": (recorded(lambda _: '{"format": 2}'), "kept-file-unreadable", {}),
    "runs.json gone": (
        lambda site: site.client("s3").delete_object(Bucket=site.bucket, Key=kept.RUNS),
        "no-whole-run",
        {},
    ),
    "assignments are not told": (
        fault("sso-admin:ListAccountAssignmentsForPrincipal", "AccessDeniedException"),
        "aws-failed",
        {},
    ),
    "members are not told": (fault("identitystore:ListGroupMemberships", "AccessDeniedException"), "aws-failed", {}),
    "rules are not told": (fault("events:DescribeRule", "AccessDeniedException"), "aws-failed", {}),
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has nobody wait for the pace, which the emulated AWS does not need."""
    monkeypatch.setattr(refresh, "Pace", partial(Pace, 10_000))


def why(site: Site, monkeypatch: pytest.MonkeyPatch) -> Message | None:
    """Returns why a plan of `sso` refreshes, None where it does not, in a folder that is synthesized."""
    for name, value in site.environment().items():
        if name.startswith(("AWS_", "NO_PROXY")):
            monkeypatch.setenv(name, value)
    project = load(site.config).project
    session = Session(None, project.regions.primary)
    with Refreshing(always=False) as refreshing:
        refreshing.begin(session, project, {"sso": read_state(session, project, "sso")}, ["sso"])
        workspace = Workspace(site.output, site.environment())
        versions = {state: read_version(session, *state) for state in workspace.reads("sso")}
        return refreshing.why(workspace, "sso", versions)


def plan(site: Site, *arguments: str) -> Json:
    """Returns what a plan of `sso` would do, without what Terraform has two ways to say: nothing, and none."""
    planned = site.terraform("sso", "plan", "-input=false", "-lock=false", "-out=test.plan", *arguments)
    assert planned.code == 0, planned.text[-3000:]
    shown = json.loads(site.terraform("sso", "show", "-json", "test.plan").stdout)
    changes = {one["address"]: one for one in shown["resource_changes"]}
    found: Json = plain({"resources": changes, "outputs": shown["output_changes"]})
    return found


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if one not in (None, {}, [])}
    return [plain(one) for one in value] if isinstance(value, list) else value


def same_plan(site: Site, situation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FREE[situation](site)
    site.synth()
    initialized = site.terraform("sso", "init", "-input=false", "-reconfigure")
    assert initialized.code == 0, initialized.text[-3000:]

    assert why(site, monkeypatch) is None
    assert plan(site, "-refresh=false") == plan(site)


def refreshed(site: Site, situation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    act, id, data = DRIFTED[situation]
    act(site)
    site.aws.wait_an_hour()  # the reading sees who has what when AWS lists it, and not before
    if situation == "other default tags":
        site.synth()

    reason = why(site, monkeypatch)
    assert reason
    assert reason.id == id
    assert reason.data.items() >= data.items()


@pytest.mark.only("stand-in")
@pytest.mark.parametrize(
    "commands",
    [
        (("plan", "sso"), ("deploy", "--yes")),
        pytest.param((("deploy", "sso", "--yes"), ("plan",)), marks=pytest.mark.large),
    ],
    ids=["", "others"],
)
def test_commands_ask_for_sets_and_principals_and_no_more(company: Site, commands: tuple[tuple[str, ...], ...]) -> None:
    """Of all calls of a command, the provider's among them: the formula that `make bench` holds at the full size."""
    state, instances, data_sources = company.state("sso"), 4, 2 * 2
    sets, users = _of(state, "aws_ssoadmin_permission_set"), _of(state, "aws_identitystore_user")
    groups = _of(state, "aws_identitystore_group") + 2  # external ones
    for command in commands:
        before = len(company.aws.calls())
        done = company.strata(*command, "-v")

        made = Counter(one.action.partition(":")[0] for one in company.aws.calls(since=before))
        assert done.code == 0, done.text[-3000:]
        assert "sso: planned with -refresh=false" in done.text, done.text[-3000:]
        assert made["sso-admin"] <= 6 * sets + groups + users + 2 + instances, made
        assert made["identitystore"] <= groups + 2 + data_sources, made
    before = len(company.aws.calls())
    drifted = company.strata("drift")
    made = Counter(one.action.partition(":")[0] for one in company.aws.calls(since=before))
    assert drifted.code == 0, drifted.text[-3000:]
    assert made["sso-admin"] <= 7 * sets + groups + users + 2 + instances, made
    assert made["identitystore"] <= groups + 2, made


def _of(state: Json, type: str) -> int:
    return sum(address.startswith(f"{type}.") for address in state)


@pytest.mark.only("stand-in")
def test_what_is_asked_for_is_refreshed_and_a_small_edit_goes_without(company: Site) -> None:
    """A group's description is changed without a refresh; the next run goes without one again."""
    asked = company.strata("plan", "sso", "--refresh", "-v")
    assert "-refresh=false" not in asked.text

    company.edit("sso.yaml", ("Queries, never keys.", "Queries."))
    before = len(company.aws.calls())
    deployed = company.strata("deploy", "--yes", "-v")

    assert deployed.code == 0, deployed.text[-3000:]
    assert "sso: planned with -refresh=false" in deployed.text
    assert "security: planned with -refresh=false" not in deployed.text
    assert company.aws.writing_calls(since=before) == {"identitystore:UpdateGroup": 1}
    assert not company.aws.calls(since=before, by="strata", action="sso-admin:ListAccountsForProvisionedPermissionSet")
    assert "sso: planned with -refresh=false" in company.strata("plan", "sso", "-v").text


@pytest.mark.large
@pytest.mark.only("real")
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("situation", FREE)
def test_the_plan_is_the_same(company: Site, situation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same_plan(company, situation, monkeypatch)


@pytest.mark.large
@pytest.mark.only("real")
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("situation", DRIFTED)
def test_what_drifted_is_refreshed(company: Site, situation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refreshed(company, situation, monkeypatch)


IN_CI = set(list(FREE)[::5])
"""The others take as long with the stand-in as these, and show nothing new of Strata."""
SOME = [pytest.param(one, marks=() if one in IN_CI else pytest.mark.large) for one in FREE]


@pytest.mark.only("stand-in")
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("situation", SOME)
def test_the_plan_is_the_same_with_the_stand_in(company: Site, situation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same_plan(company, situation, monkeypatch)


@pytest.mark.only("stand-in")
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("situation", DRIFTED)
def test_what_drifted_is_refreshed_with_the_stand_in(
    company: Site, situation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed(company, situation, monkeypatch)
