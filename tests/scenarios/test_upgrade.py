"""From an earlier version to this one: an edited clone as docs/upgrading.md says, and what is gone since."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.aws.center import INSTANCE
from tests.aws.client import Aws
from tests.documents import CHECKOUT, blocks, commands
from tests.scenarios.before import Defaults, bootstrapped, checkout
from tests.scenarios.clone import Owner, git
from tests.scenarios.layers import ROLE, member, write_layer
from tests.scenarios.site import Provider, Site

PAGE = CHECKOUT / "docs/upgrading.md"
SINCE = "tests/own/test_example.py"
"""The older commit is the one that added this file: before it an owner had no layers and tests of his own."""
OWN_TEST = """
from tests.synthesized import Deployment


def test_there_is_a_topic_in_each_account(own: Deployment) -> None:
    assert {"topics_security", "topics_shared"} < set(own)
"""

pytestmark = pytest.mark.only("stand-in")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A repository with two commits: the older one, and what is here now."""
    try:
        old = git(CHECKOUT, "log", "--diff-filter=A", "--format=%H", "-1", "--", SINCE).strip()
        files = git(CHECKOUT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
        archive = tmp_path / "old.tar"
        git(CHECKOUT, "archive", f"--output={archive}", old)
    except AssertionError as error:
        pytest.skip(f"this checkout has no older commit: {error}")
    folder = tmp_path / "upstream"
    folder.mkdir()
    shutil.unpack_archive(archive, folder, filter="data")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "older")
    git(folder, "rm", "-rq", ".")
    for name in files:
        if (CHECKOUT / name).is_file() and not re.match(r"config/|tests/own/|stacks/layers/\w+/", name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
    git(folder, "checkout", "-q", "HEAD", "--", "config", "tests/own")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "now")
    return folder


@pytest.fixture
def owner(upstream: Path, shipped: Site, tmp_path: Path) -> Owner:
    """The owner of a clone of the older commit: his configuration, a layer and a test of his own, all deployed."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(upstream), str(clone))
    git(clone, "reset", "-q", "--hard", "HEAD^")
    policy = clone / "config/policies/protect-foundation.json"
    of_then = policy.read_text()  # that of now has a placeholder which the older commit does not know
    shutil.rmtree(clone / "config")
    shutil.copytree(shipped.config, clone / "config")
    policy.write_text(of_then)
    write_layer(clone, "topics")
    (clone / "config/layers").mkdir()
    (clone / "config/layers/topics.yaml").write_text("name: events\n")
    (clone / "tests/own/test_topics.py").write_text(OWN_TEST)
    with (clone / ".npmrc").open("a") as settings:  # upstream's, in a line that upstream leaves alone
        settings.write(MIRROR)
    git(clone, "add", "config", "stacks/layers", "tests/own", ".npmrc")
    git(clone, "commit", "-q", "-m", "Ours")
    for name in (".venv", "node_modules"):
        (clone / name).symlink_to(CHECKOUT / name)
    shipped.sign_in_as_administrator()  # who may assume the roles of the layer
    found = Owner(clone, shipped)
    deployed = found.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-3000:]
    return found


def test_an_edited_clone_is_upgraded_as_the_page_says(owner: Owner, upstream: Path) -> None:
    """What is the owner's stays, the code is the new one, and the plan loses nothing."""
    _, remote, merge, look, deploy, template = (
        list(commands(block.text)) for block in blocks(PAGE) if block.language in ("text", "sh", "bash")
    )
    ours = {name: (owner.clone / name).read_bytes() for name in git(owner.clone, "ls-files", *OURS).splitlines()}

    git(upstream.parent, "init", "-q", "--bare", "-b", "main", "own.git")
    for line in (*remote, "\n".join(merge)):
        owner.does("sh", "-eu", "-c", line.replace("<your own repository>", str(upstream.parent / "own.git")))
    assert git(owner.clone, "remote").split() == ["origin", "upstream"]

    assert {name: (owner.clone / name).read_bytes() for name in ours} == ours
    assert git(owner.clone, "ls-files", *OURS).splitlines() == list(ours)
    changed = git(
        owner.clone, "diff", "--name-only", "upstream/main", "HEAD", "--", "strata", ":(glob)stacks/*.py", "main.py"
    )
    assert changed.split() == [], "the code is upstream's"
    assert (owner.clone / ".npmrc").read_text().endswith(MIRROR)

    assert look == ["make setup", "strata check", "make own", "strata plan"]
    owner.does(sys.executable, "-m", "strata", "check")
    owner.does(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/own")
    planned = owner.strata("plan", "--exit-code")
    assert planned.code in (0, 3), planned.text[-3000:]
    assert not {"delete", "replace", "forget"}.intersection(planned.stdout.split()), planned.stdout
    assert deploy == ["strata deploy"]
    if planned.code == 3:
        owner.does(sys.executable, "-m", "strata", "deploy", "--yes")
        planned = owner.strata("plan", "--exit-code")
    assert planned.code == 0, planned.stdout
    for line in template:
        owner.does("sh", "-eu", "-c", line)


MIRROR = "registry=https://npm.example.com/\n"
OURS = ("config", "tests/own", "stacks/layers/topics")


def test_what_is_gone_is_forgotten(tmp_path: Path, running_aws: Aws, provider: Provider) -> None:
    """From a version with roles for jobs in accounts, detection, an archive and external.yaml, all deployed by it."""
    site = deployed_before(tmp_path, running_aws, provider)
    site.append("baseline.yaml", "roles:\n  reader: every-baseline-reader\n  writer: every-baseline\n")
    bring_to_today(site)
    planned = site.strata("plan", "--json")

    assert {action for changes in planned.planned.values() for action in changes.values()} == {"update", "forget"}
    roles = [facts for id, _, facts in planned.messages if id == "role-forgotten"]
    assert [(one["account"], one["role"]) for one in roles] == list(ROLES)
    for one in roles:
        assert [arn.rpartition(":")[2] for arn in one["trusts"]] == [ROLES[one["account"], one["role"]]]
    Defaults("audit", "cost-tags", "jonas", "admins", "Auditor").put_back(site)
    for account, role in ROLES:
        assert f"aws_iam_role.{role}" not in site.state(f"baseline_{account}")
        iam = member(site, account, "iam")
        assert iam.get_role(RoleName=role)["Role"]
        held = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert held or iam.list_role_policies(RoleName=role)["PolicyNames"]


OLD = "9e93522b"
ROLES = {
    ("audit", "auditor"): "root",
    ("shop", "deployer"): "oidc-provider/token.actions.githubusercontent.com",
    ("shop", "tester"): "oidc-provider/gitlab.com",
}
"""The roles for jobs, and the end of the ARN of whom each trusts."""
EDITS = (
    ("organization.yaml", "    regions:\n      - ap-east-1\n", ""),  # nobody enables opt-in regions any more
    ("organization.yaml", "      - me-south-1\n", ""),
    ("organization.yaml", "aws-guardrails-NnKJPw", "their-guardrail"),  # else Control Tower is taken to be here
    ("external.yaml", "aws-guardrails-NnKJPw", "their-guardrail"),
    ("project.yaml", "region: eu-west-1", "region: eu-central-1"),  # where Identity Center is
)
SCP = "SERVICE_CONTROL_POLICY"


def deployed_before(folder: Path, aws: Aws, provider: Provider) -> Site:
    """Deploys every option of an earlier version, with detection and with what others have made."""
    tree, options = checkout(OLD, folder), "tests/every_option"
    today = shutil.copytree(CHECKOUT / options, folder / "today")
    shutil.copy(today / "detection.yaml", tree / options)
    for config in (tree / options, today):
        for file in {file for file, *_ in EDITS if (config / file).exists()}:
            text = (config / file).read_text()
            for _, old, new in (edit for edit in EDITS if edit[0] == file):
                text = text.replace(old, new)
            (config / file).write_text(text)
    owner, now = bootstrapped(tree, options, today, aws, provider)
    organizations = now.client("organizations")
    organizations.enable_policy_type(RootId=organizations.list_roots()["Roots"][0]["Id"], PolicyType=SCP)
    made = organizations.create_policy(Name="their-guardrail", Description="", Type=SCP, Content=statement("Deny"))
    now.client("sso-admin").create_permission_set(InstanceArn=INSTANCE, Name="AWSReadOnlyAccess")

    words = ("deploy", "--yes", "--allow", "compliance-lock")
    assert owner.strata(*words).code == 1, "a role wants policies in its account, which was not there"
    shop = now.accounts()["aws+shop@nordwind.dev"]["Id"]
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=shop)
    for name in ("Looks", "Boundary"):
        policy = {"PolicyName": name, "Path": "/platform/", "PolicyDocument": statement("Allow")}
        member(now, "audit", "iam").create_policy(**policy)
    aws.wait_an_hour()
    owner.does(sys.executable, "-m", "strata", *words)
    aws.wait_an_hour()
    return owner.site


def statement(effect: str) -> str:
    statement = {"Effect": effect, "Action": "cloudtrail:StopLogging", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def bring_to_today(site: Site) -> None:
    """Does what `strata check` says of each key and file that is gone, and of roles that are to go: all at once."""
    faults = json.loads(site.strata("check", "--json").stdout)["faults"]
    assert {fault["id"] for fault in faults} == {"no-longer-there", "role-gone"}
    for fault in reversed(faults):
        file, number = Path(fault["file"]), fault["line"]
        if not fault["path"]:
            file.unlink()
            continue
        lines = file.read_text().splitlines(keepends=True)
        if fault["id"] == "role-gone":
            assert f"write {ROLE}," in fault["remedy"]
            lines[number - 1] = f"{lines[number - 1].partition(':')[0]}: {ROLE}\n"
        else:  # the key with all that is below it
            depths = [len(line) - len(line.lstrip()) for line in lines]
            below = range(number, len(lines))
            end = next((index for index in below if depths[index] <= depths[number - 1]), len(lines))
            del lines[number - 1 : end]
        file.write_text("".join(lines))
    assert site.strata("check").code == 0
