"""The layers of docs/layers.md, made exactly as it says: one in the management account, and one in every account."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

from tests.scenarios.layers import Clone
from tests.scenarios.site import SANDBOX, Run, Site, below, ended

pytestmark = pytest.mark.only("stand-in")


@pytest.fixture
def clone(shipped: Site, tmp_path: Path) -> Clone:
    """A clone of the landing zone that is deployed, before there is any layer."""
    return Clone(tmp_path / "clone", shipped)


@pytest.mark.quick
def test_a_layer_of_the_management_account_deploys(clone: Clone) -> None:
    """An empty file switches it on; it gets the account ids and publishes them as the page says."""
    _add_directory(clone)
    clone.sign_in(clone.permissions("directory"))

    deployed = clone.strata("deploy", "organizations", "directory", "--yes", "--json")

    assert deployed.code == 0, deployed.text
    ended = [(stack["stack"], stack["counts"]) for stack in json.loads(deployed.stdout)["stacks"]]
    assert ended == [("organizations", {}), ("directory", {"added": 3})]
    accounts = clone.accounts()
    names = [f"/ex/accounts/{key}" for key in ("management", "security", "shared")]
    found = clone.site.aws.client("ssm", clone.home).get_parameters(Names=names)["Parameters"]
    assert {parameter["Name"]: parameter["Value"] for parameter in found} == {
        "/ex/accounts/management": "123456789012",
        "/ex/accounts/security": accounts["security"],
        "/ex/accounts/shared": accounts["shared"],
    }


def test_a_layer_that_fails_or_is_gone_stops_a_run_and_takes_nothing_away(clone: Clone) -> None:
    """Where it is gone, and stacks are named that have a state, that is told and these go on."""
    _add_directory(clone)
    clone.site.sign_in_as_administrator()
    assert clone.strata("deploy", "directory", "--yes").code == 0
    ssm = clone.site.aws.client("ssm", clone.home)
    published = ssm.get_parameters_by_path(Path="/ex/accounts")["Parameters"]
    assert published

    code = clone.folder / "stacks/layers/directory/stack.py"
    written = code.read_text()
    code.write_text(written.replace("        for key, account_id", "        1 / 0\n        for key, account_id"))
    failing = clone.strata("deploy", "--yes", "--json")
    code.write_text(written)
    (clone.site.config / "layers/directory.yaml").unlink()
    everything = clone.strata("deploy", "--yes", "--json")
    named = clone.strata("deploy", "organizations", "sso", "--yes", "--json")

    assert (failing.code, everything.code, named.code) == (1, 1, 0), named.text
    assert [one.id for one in failing.told] == ["synth-failed"]
    assert [(one.id, one.data["stack"]) for one in everything.told] == [("state-without-stack", "directory")]
    assert [warning["id"] for warning in json.loads(named.stdout)["warnings"]] == ["state-without-stack"]
    assert statuses(named) == dict.fromkeys(("organizations", "sso"), "applied")
    assert ssm.get_parameters_by_path(Path="/ex/accounts")["Parameters"] == published


def _add_directory(clone: Clone) -> None:
    clone.add("directory")
    clone.types("In the management account")


def test_a_layer_in_every_account(clone: Clone) -> None:
    """Each account gets its topic by its own role."""
    site = clone.site
    ids = clone.accounts()
    clone.add("topics")
    clone.types("In every account")
    clone.sign_in(clone.permissions("topics"))

    deployed = clone.strata("deploy", "topics", "--yes")
    again = clone.strata("plan", "topics", "--exit-code")

    assert deployed.code == 0, deployed.text
    assert again.code == 0, again.text
    for key in ("security", "shared"):
        (topic,) = clone.member(ids[key], "sns").list_topics()["Topics"]
        assert topic["TopicArn"] == f"arn:aws:sns:{clone.home}:{ids[key]}:events"
        tags = clone.member(ids[key], "sns").list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {
            "Project": "example",
            "Layer": "topics",
            "ManagedBy": "strata",
        }
    here = [one["TopicArn"] for one in site.aws.client("sns", clone.home).list_topics()["Topics"]]
    assert not any(arn.endswith(":events") for arn in here), "only in the accounts"


def test_what_is_as_the_last_deploy_left_it_starts_no_terraform(clone: Clone) -> None:
    """A change by hand shows with --refresh; a setting, another hand on the state, and a new account are planned."""
    site = clone.site
    clone.add("topics")
    clone.types("In every account")
    clone.sign_in(clone.permissions("topics"))
    assert clone.strata("deploy", "topics", "--yes").code == 0
    shared = clone.member(clone.accounts()["shared"], "sns")
    shared.delete_topic(TopicArn=shared.list_topics()["Topics"][0]["TopicArn"])
    before = len(site.aws.calls())

    code = clone.folder / "stacks/own.py"
    code.write_text(f"{code.read_text()}# another\n")
    equal = clone.strata("deploy", "topics", "--yes")
    asked = [one.action for one in site.aws.calls(since=before) if one.action.startswith("sns:")]
    looked = clone.strata("plan", "topics", "--refresh", "--json")
    mended = clone.strata("deploy", "topics", "--refresh", "--yes")
    site.edit("layers/topics.yaml", ("events", "news"))
    edited = clone.strata("plan", "topics", "--json")

    assert equal.code == 0, equal.text
    assert asked == []
    assert looked.planned == {"topics_shared": {"aws_sns_topic.events": "create"}, "topics_security": {}}
    assert mended.code == 0, mended.text
    assert edited.planned == {f"topics_{key}": {"aws_sns_topic.events": "replace"} for key in ("security", "shared")}


WAVES = "rollout: {waves: [[sandbox], [ou/shared], [all]], at_once: 1}\n"


@pytest.fixture
def in_waves(clone: Clone) -> Clone:
    """Three accounts, in each of which the layer has a stack, and a wave of its own."""
    clone.site.edit("organization.yaml", SANDBOX)
    clone.add("topics")
    clone.types("In every account")
    clone.site.append("layers/topics.yaml", WAVES)
    clone.site.sign_in_as_deployer(clone.permissions("topics"))
    made = clone.strata("deploy", "organizations", "--yes")
    assert made.code == 0, made.text
    return clone


def test_no_wave_begins_after_one_that_is_not_whole(in_waves: Clone) -> None:
    """What is left is named, and a rerun takes it; a failure that the file allows stops nothing."""
    clone, aws, ids = in_waves, in_waves.site.aws, in_waves.accounts()
    aws.fail("sns:CreateTopic", code="AuthorizationError", message="not today")

    stopped = clone.strata("deploy", "topics", "--yes")
    one = clone.strata("deploy", "topics", "--yes", "--json", "--wave", "2")
    planned = clone.strata("plan", "topics", "--json", "--wave", "3")
    rest = clone.strata("deploy", "topics", "--yes")

    assert stopped.code == 1, stopped.text
    names = [f"topics_{key}" for key in ("sandbox", "security", "shared")]
    assert "topics in 3 accounts: 1 failed, 2 not started" in stopped.stdout
    assert f"not started: {', '.join(names[1:])}" in stopped.stderr
    assert (one.code, statuses(one)) == (0, {names[2]: "applied"}), one.text
    assert [*planned.planned] == [names[1]]
    assert rest.code == 0, rest.text
    assert re.findall(r"topics: wave (\d) of 3", rest.stderr) == ["1", "3"], rest.stderr
    made = [one.account for one in aws.calls(action="sns:CreateTopic") if one.outcome == "200"]
    assert made == [ids[key] for key in ("shared", "sandbox", "security")]

    clone.site.edit("layers/topics.yaml", ("events", "news"), ("at_once: 1", "stop_after: 1"))
    aws.fail("sns:CreateTopic", code="AuthorizationError", message="not today")
    allowed = clone.strata("deploy", "topics", "--yes", "--json")

    assert allowed.code == 1, allowed.text
    assert statuses(allowed) == dict(zip(names, ("failed", "applied", "applied"), strict=True))


SIX = "".join(
    f"  team-{number}:\n    email: aws+team-{number}@example.com\n    organizational_unit: shared\n"
    for number in range(4)
)
KILLED = ("strata", "terraform", "all")


@pytest.mark.parametrize("kills", [len(KILLED), pytest.param(30, marks=pytest.mark.large)])
def test_a_rollout_that_was_killed_is_completed_by_a_rerun(clone: Clone, kills: int) -> None:
    """Strata, a Terraform, or all of them, at any moment of any wave; the lines that free a lock do."""
    clone.site.edit("organization.yaml", ("accounts:\n", f"accounts:\n{SIX}"))
    clone.site.aws.order("organization", account_limit=20)
    clone.add("topics")
    clone.types("In every account")
    clone.site.append("layers/topics.yaml", "rollout: {waves: [[team-0], [security, team-1, team-2], [all]]}\n")
    clone.site.sign_in_as_deployer(clone.permissions("topics"))
    made = clone.strata("deploy", "organizations", "--yes")
    assert made.code == 0, made.text
    before = clone.site.aws.snapshot()

    for seed in range(kills):
        clone.site.aws.restore(before)
        clone.site.sign_in_as_deployer(clone.permissions("topics"))
        _kill_and_complete(clone, KILLED[seed % len(KILLED)], random.Random(seed))  # noqa: S311  # to be had again


def _kill_and_complete(clone: Clone, what: str, chance: random.Random) -> None:
    aws, moment = clone.site.aws, chance.randrange(6)
    running = clone.started("deploy", "topics", "--yes", "--at-once", "3")
    while running.poll() is None and len(aws.calls(action="sns:CreateTopic")) <= moment:
        time.sleep(0.2)
    time.sleep(chance.random())
    terraforms = [pid for pid, words in below(running.pid).items() if any(one.startswith("-chdir=") for one in words)]
    ours = [running.pid] if running.poll() is None else []
    victims = {"strata": ours, "terraform": terraforms[:1], "all": [*ours, *terraforms]}[what]
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    said = [ended(running).stderr]
    output = clone.site.environment()["CDKTF_OUTPUT"]
    while any(word.startswith(f"-chdir={output}") for words in below(0).values() for word in words):
        time.sleep(0.2)
    if what == "strata":
        assert clone.locks() == [], "a Terraform that nobody kills ends by itself"
    for _ in range(len(terraforms) + 1):
        again = clone.strata("deploy", "topics", "--yes")
        said.append(again.stderr)
        if again.code == 0:
            break
        for command in dict.fromkeys(re.findall(r"free it: (.*)", "\n".join(said[-2:]))):
            clone.site.shell(command)

    told = f"{what} at {moment}: " + "\n=====\n".join(said)
    assert again.code == 0, told
    there = [len(clone.member(id, "sns").list_topics()["Topics"]) for id in clone.accounts().values()]
    assert there == [1] * 6, told
    assert aws.writing_calls()["sns:CreateTopic"] <= 6 + len(victims), told
    planned = clone.strata("plan", "topics", "--exit-code")
    assert planned.code == 0, planned.text


def statuses(run: Run) -> dict[str, str]:
    """Returns how each stack ended."""
    return {one["stack"]: one["status"] for one in json.loads(run.stdout)["stacks"]}


def test_a_layer_plans_by_one_role_and_applies_by_another(clone: Clone) -> None:
    """Who plans needs the reader alone; an account without the writer is left out of a deploy, and named."""
    aws, ids = clone.site.aws, clone.accounts()
    clone.add("topics")
    clone.types("In every account")
    clone.site.append("layers/topics.yaml", "roles: {reader: looks, writer: ci/works}\n")
    arns = {key: [f"arn:aws:iam::{id}:role/{role}" for role in ("looks", "ci/works")] for key, id in ids.items()}
    for key, role, path in (("security", "looks", "/"), ("shared", "looks", "/"), ("shared", "works", "/ci/")):
        clone.member(ids[key], "iam").create_role(RoleName=role, Path=path, AssumeRolePolicyDocument="{}")
    allowed = json.loads(clone.permissions("topics"))
    allowed["Statement"][-1]["Resource"] = "arn:aws:iam::*:role/looks"
    clone.sign_in(json.dumps(allowed))
    before = len(aws.calls())

    planned = clone.strata("plan", "topics", "--json")
    refused = clone.strata("deploy", "topics", "--yes")
    allowed["Statement"][-1]["Resource"] = ["arn:aws:iam::*:role/looks", "arn:aws:iam::*:role/ci/works"]
    clone.sign_in(json.dumps(allowed))
    deployed = clone.strata("deploy", "topics", "--yes", "--json")
    again = clone.strata("deploy", "topics_shared", "--yes", "--json")
    plain = clone.cdktf("deploy", "topics_shared", "--auto-approve", "--ignore-missing-stack-dependencies")

    assert [*planned.planned] == ["topics_security", "topics_shared"], planned.text
    assert refused.code == 1
    assert deployed.code == 0, deployed.text
    assert statuses(deployed) == {"topics_shared": "applied"}
    assert "warning: topics_security: left out" in deployed.stderr
    assert again.code == 0, again.text
    assert plain.code == 0, plain.text[-3000:]
    calls = aws.calls(since=before, by="provider")
    assumed = [one.parameters["RoleArn"] for one in calls if one.action == "sts:AssumeRole"]
    together, one_by_one = assumed[:2], assumed[2:]
    assert sorted(together) == sorted([arns["security"][0], arns["shared"][0]]), "both are planned at once"
    assert one_by_one == [*arns["shared"], *[arns["shared"][1]] * 2], "plain cdktf plans by the writer, too"


_BASELINE = """
import json

from cdktf_cdktf_provider_aws.budgets_budget import BudgetsBudget
from cdktf_cdktf_provider_aws.ce_anomaly_monitor import CeAnomalyMonitor
from cdktf_cdktf_provider_aws.ce_anomaly_subscription import CeAnomalySubscription
from cdktf_cdktf_provider_aws.cloudtrail import Cloudtrail
from cdktf_cdktf_provider_aws.iam_account_password_policy import IamAccountPasswordPolicy
from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy

from stacks.account import AccountStack


class Stack(AccountStack):
    def __init__(self, scope, id, *, account):
        super().__init__(scope, id, account=account)
        self.add(IamAccountPasswordPolicy, "strict", minimum_password_length=20)
        self.add(IamOpenidConnectProvider, "github", url="https://token.actions.githubusercontent.com",
                 client_id_list=["sts.amazonaws.com"])
        self.add(KmsKey, "state", description="state of ex")
        self.add(BudgetsBudget, "monthly", name="monthly", budget_type="COST", limit_amount="10", limit_unit="USD",
                 time_unit="MONTHLY")
        monitor = self.add(CeAnomalyMonitor, "services", name="services", monitor_type="DIMENSIONAL",
                           monitor_dimension="SERVICE")
        self.add(CeAnomalySubscription, "services", name="ex-services", frequency="DAILY",
                 monitor_arn_list=[monitor.arn], subscriber=[{"type": "EMAIL", "address": "a@example.com"}])
        bucket = f"trail-{account.key}"
        made = self.add(S3Bucket, "trail", bucket=bucket)
        to = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/AWSLogs/{account.id}/*"]
        by = {"Service": "cloudtrail.amazonaws.com"}
        allow = {"Effect": "Allow", "Principal": by, "Action": ["s3:GetBucketAcl", "s3:PutObject"], "Resource": to}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        allowed = self.add(S3BucketPolicy, "trail", bucket=made.bucket, policy=policy)
        self.add(Cloudtrail, "trail", name="ex-organization", s3_bucket_name=allowed.bucket)
"""


def test_a_layer_finds_what_its_own_account_has(clone: Clone) -> None:
    """The management account has one of each: that is nothing which a member's stack could import."""
    ids = clone.accounts()
    folder = clone.folder / "stacks/layers/baseline"
    folder.mkdir()
    (folder / "stack.py").write_text(_BASELINE)
    clone.types("In every account")
    (clone.site.config / "layers/topics.yaml").rename(clone.site.config / "layers/baseline.yaml")
    (clone.site.config / "layers/baseline.yaml").write_text("")
    clone.site.sign_in_as_deployer(clone.permissions("baseline"))
    url = "https://token.actions.githubusercontent.com"
    clone.site.aws.client("iam").create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"])
    clone.member(ids["shared"], "iam").create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"])
    clone.member(ids["shared"], "iam").update_account_password_policy(MinimumPasswordLength=8)

    deployed = clone.strata("deploy", "baseline", "--yes", "--json")
    again = clone.strata("plan", "baseline", "--exit-code")

    assert deployed.code == 0, deployed.text
    ended = {one["stack"]: one["counts"] for one in json.loads(deployed.stdout)["stacks"]}
    assert ended["baseline_security"] == {"added": 9}, deployed.text
    assert ended["baseline_shared"]["imported"] == 2
    assert again.code == 0, again.text


_READER = """
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter

from stacks.base import BaseStack


class Stack(BaseStack):
    def __init__(self, scope, id, *, landing_zone, topics):
        super().__init__(scope, id, project=landing_zone.project)
        self.add(SsmParameter, "topic", name="/ex/topic", type="String", value=topics.topic.arn)
"""


def test_a_layer_reads_from_one_in_an_account(clone: Clone) -> None:
    """One deploy makes both, in order."""
    site = clone.site
    clone.add("topics")
    code = clone.folder / "stacks/layers/topics/stack.py"
    code.write_text(re.sub(r"\btopic\b(?=[.]| = )", "self.topic", code.read_text()))
    folder = clone.folder / "stacks/layers/alarms"
    folder.mkdir()
    (folder / "stack.py").write_text(_READER)
    clone.types("In every account")
    clone.types("In one account")
    (site.config / "layers/alarms.yaml").write_text("")
    site.sign_in_as_administrator()

    deployed = clone.strata("deploy", "--yes", "--json")
    again = clone.strata("plan", "--exit-code")

    assert deployed.code == 0, deployed.text
    assert list(statuses(deployed))[-2:] == ["topics_security", "alarms"]
    assert again.code == 0, again.text
    security = clone.member(clone.accounts()["security"], "sns")
    (topic,) = security.list_topics()["Topics"]
    parameters = site.aws.client("ssm", clone.home)
    assert parameters.get_parameter(Name="/ex/topic")["Parameter"]["Value"] == topic["TopicArn"]


def test_an_account_is_emptied_before_it_is_retired(clone: Clone) -> None:
    """The refusal names the way, and the way works."""
    site = clone.site
    id = site.accounts()["aws+shared@example.com"]["Id"]
    clone.add("topics")
    clone.types("In every account")
    clone.sign_in(clone.permissions("topics"))
    deployed = clone.strata("deploy", "topics", "--yes")
    assert deployed.code == 0, deployed.text
    organization, sso = (site.config / "organization.yaml").read_text(), (site.config / "sso.yaml").read_text()
    _retire(site)

    refused = clone.strata("plan", "organizations", "--json")

    assert refused.code == 1
    (told,) = [one for one in refused.told if one.id == "account-not-emptied"]
    assert re.search(r"organization\.yaml:\d+: accounts\.shared\.retired$", told.place)
    assert told.data == {"stack": "topics_shared", "account": "shared"}
    assert "aws_sns_topic.events" in told.text
    (command,) = re.findall(r"cdktf (destroy topics_shared)", told.text)
    (site.config / "organization.yaml").write_text(organization)
    (site.config / "sso.yaml").write_text(sso)
    emptied = clone.cdktf(*command.split(), "--auto-approve")
    assert emptied.code == 0, emptied.text[-3000:]
    assert clone.member(id, "sns").list_topics()["Topics"] == []
    _retire(site)
    planned = clone.strata("plan", "organizations", "topics")
    assert planned.code == 0, planned.text
    assert re.search(r"^  forget +aws_organizations_account.shared$", planned.stdout, re.MULTILINE), planned.text
    assert "topics_shared" not in planned.text


def test_what_a_layer_has_in_an_account_that_is_closed_is_in_nobodys_way(clone: Clone) -> None:
    """It goes with the account: nothing can empty it, before it is retired or after."""
    site = clone.site
    id = clone.accounts()["shared"]
    clone.add("topics")
    clone.types("In every account")
    clone.sign_in(clone.permissions("topics"))
    deployed = clone.strata("deploy", "topics", "--yes")
    assert deployed.code == 0, deployed.text
    site.aws.client("organizations").close_account(AccountId=id)

    site.edit("layers/topics.yaml", ("events", "news"))
    beside = clone.strata("deploy", "topics", "--yes", "--json")
    _retire(site)
    retired = clone.strata("plan")

    assert beside.code == 0, beside.text
    assert [one["stack"] for one in json.loads(beside.stdout)["stacks"]] == ["topics_security"]
    assert retired.code == 0, retired.text


def _retire(site: Site) -> None:
    text = (site.config / "organization.yaml").read_text()
    text = re.sub(r"(  shared:\n    email: )", r"  shared:\n    retired: true\n    email: ", text, count=1)
    (site.config / "organization.yaml").write_text(text)
    text = (site.config / "sso.yaml").read_text().replace("      - shared\n", "      - security\n")
    (site.config / "sso.yaml").write_text(text.replace("      - security\n      - security\n", "      - security\n"))
