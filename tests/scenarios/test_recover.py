"""What docs/recover.md and docs/leave.md say, done on real Terraform, from a landing zone that is deployed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.documents import CHECKOUT, blocks
from tests.scenarios.site import SANDBOX, STACKS, TABLE, Site
from tests.scenarios.typist import Typist
from tests.synthesized import walk

RECOVER, LEAVE = CHECKOUT / "docs/recover.md", CHECKOUT / "docs/leave.md"
BLOCKS = [*blocks(RECOVER, "sh"), *blocks(LEAVE, "sh")]
POLICY = "aws_organizations_policy"
GUARDED = {"CloseAccount", "DeleteBucket", "DeleteOrganization", "DeleteTable", "RemoveAccountFromOrganization"}

pytestmark = pytest.mark.only("stand-in")


@pytest.fixture
def typist(shipped: Site, tmp_path: Path) -> Typist:
    """An administrator in front of a deployed landing zone."""
    shipped.sign_in_as_administrator()
    return Typist.at(shipped, tmp_path)


def page(*headings: str, block: int | None = None) -> str:
    """Returns the variables of the pages and what they have run under some headings, or one block of it."""
    found = [block for block in BLOCKS if block.heading in headings]
    assert {block.heading for block in found} == {*headings}
    texts = [block.text for block in found]
    return blocks(RECOVER, "sh", "Recovering")[0].text + "".join(texts if block is None else texts[block : block + 1])


def planned_changes(text: str) -> dict[str, str]:
    """Returns what `strata plan` says would be done, by address."""
    changes = re.findall(r"^ *([a-z][a-z ]*?) +(\w+\.\S+)$", text, re.MULTILINE)
    return {address: action for action, address in changes}


def digest(site: Site, stack: str) -> str | None:
    key = {"LockID": {"S": f"{site.bucket}/management/{stack}/terraform.tfstate-md5"}}
    row = site.client("dynamodb").get_item(TableName=TABLE, Key=key).get("Item")
    return str(row["Digest"]["S"]) if row else None


def content_digest(site: Site, stack: str) -> str:
    body = site.client("s3").get_object(Bucket=site.bucket, Key=f"management/{stack}/terraform.tfstate")["Body"].read()
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def test_freeing_a_lock(typist: Typist) -> None:
    """The lock a killed run leaves is freed by the command on the page, in S3 and in the table."""
    site = typist.site
    site.edit("organization.yaml", SANDBOX)
    site.synth()
    terraform = (site.environment()["TERRAFORM_BINARY_NAME"], f"-chdir={site.output / 'stacks/organizations'}")
    site.killed("organizations:CreateAccount", *terraform, "apply", "-auto-approve")
    assert len(site.locks()) == 2
    refused = site.apply("organizations")
    lock = re.search(r"ID:\s+([0-9a-f-]{36})", refused.text)
    assert lock, refused.text

    freed = typist.types(page("Freeing a lock"), LOCK=lock[1])

    assert freed.code == 0, freed.text
    assert site.locks() == []


def test_restoring_an_older_version_of_the_state(typist: Typist) -> None:
    """An account made since the older version is adopted again by the deploy that follows, not made twice."""
    site = typist.site
    site.edit("organization.yaml", SANDBOX)
    site.synth()
    assert site.apply("organizations").code == 0
    assert "aws_organizations_account.sandbox" in site.addresses("organizations")

    listed = typist.types(page("Restoring the state", block=0))
    assert listed.code == 0, listed.text
    versions = [line.split("\t")[1] for line in listed.stdout.splitlines() if line.count("\t") == 2]
    pushed = typist.types(page("Restoring the state", block=1), VERSION=versions[1])

    assert pushed.code == 0, pushed.text
    assert "aws_organizations_account.sandbox" not in site.addresses("organizations")
    assert digest(site, "organizations") == content_digest(site, "organizations")

    deployed = typist.types(page("Restoring the state", block=2), {"[y/N]": "y"})

    assert deployed.code == 0, deployed.text
    changes = planned_changes(deployed.stdout)
    assert changes["aws_organizations_account.sandbox"].startswith("import")
    assert not {"create", "delete", "replace"} & {did for what, did in changes.items() if what.startswith("aws_")}
    assert "aws_organizations_account.sandbox" in site.addresses("organizations")
    assert site.aws.writing_calls()["organizations:CreateAccount"] == 1


def test_a_state_that_changed_without_terraform(typist: Typist) -> None:
    """After somebody restored a version in S3 itself, Terraform goes on once the digest is dropped."""
    site, key = typist.site, "management/organizations/terraform.tfstate"
    body = site.client("s3").get_object(Bucket=site.bucket, Key=key)["Body"].read()
    site.client("s3").put_object(Bucket=site.bucket, Key=key, Body=body + b"\n")
    assert digest(site, "organizations") != content_digest(site, "organizations")

    dropped = typist.types(page("The state does not have the expected content"))

    assert dropped.code == 0, dropped.text
    assert digest(site, "organizations") is None
    assert site.plan("organizations") == {}


def test_a_state_bucket_that_is_gone_is_one_failure_and_comes_back(shipped: Site) -> None:
    """No command takes what Strata made for somebody else's; with the replica's copies nothing is left to do."""
    s3, bucket = shipped.client("s3"), shipped.bucket
    keys = [f"management/{stack}/terraform.tfstate" for stack in STACKS]
    copies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    versions = s3.list_object_versions(Bucket=bucket)
    for one in (*versions["Versions"], *versions.get("DeleteMarkers", ())):
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=bucket)

    gone = (f"s3://{bucket} ", f"s3://{bucket}-replica ", f"{', '.join(STACKS)}: docs/recover.md#restoring-the-state")
    for command in (("plan",), ("deploy", "--yes"), ("drift",), ("doctor",), ("bootstrap", "--yes")):
        run = shipped.strata(*command)
        text = " ".join(run.text.split())
        assert run.code == 1, run.text
        assert all(part in text for part in gone), text
        assert sum(one.startswith(("error:", "failure ")) for one in run.lines) == 1, run.text
        assert not re.search("imports.yaml|adopt|strata bootstrap", text), run.text
    for command in (("plan",), ("deploy", "--yes"), ("drift",), ("doctor",)):
        assert "states-gone" in shipped.strata(*command, "--json").ids, command

    s3.create_bucket(Bucket=bucket)
    for key, body in copies.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    made = shipped.strata("bootstrap", "--yes")
    deployed = shipped.strata("deploy", "--yes")

    assert (made.code, deployed.code) == (0, 0), made.text + deployed.text
    assert shipped.strata("plan", "--exit-code").code == 0


def test_deleted_states_are_no_first_deploy(shipped: Site) -> None:
    """Their deletion is copied, and the versions of the replica stay."""
    for stack in STACKS:
        shipped.client("s3").delete_object(Bucket=shipped.bucket, Key=f"management/{stack}/terraform.tfstate")

    planned = shipped.strata("plan", "--json")

    assert [(id, data["replica"]) for id, _, data in planned.messages] == [("states-gone", list(STACKS))]


def test_going_on_from_the_replica_and_home_again(typist: Typist) -> None:
    """No lock stands in it; the organization is deployed from there while the region is gone, and back home after."""
    site, bucket, (copy, go, home) = typist.site, typist.site.bucket, blocks(RECOVER, "sh", "The region is gone")
    names = {"BUCKET": bucket, "TABLE": TABLE, "SECONDARY": "us-west-2"}
    copied = site.aws.client("s3", "us-west-2").list_objects_v2(Bucket=f"{bucket}-replica")["Contents"]
    old = (site.config / "project.yaml").read_text()
    there = old.replace("us-west-2", "us-east-2").replace("primary: us-east-1", "primary: us-west-2")
    for action in ("s3:GetObject", "s3:HeadBucket", "s3:ListObjectsV2", "s3:PutObject"):
        site.aws.fail(action, times=10_000, containing=f'"{bucket}"', code="InternalError", status=500)

    made = typist.types(copy.text, {}, **names)
    (site.config / "project.yaml").write_text(
        f"{there}identity_center:\n  region: us-east-1\nstate:\n  bucket: {bucket}-there\n"
    )
    site.edit("security.yaml", ("trail:\n  mode: on\n", "trail:\n  mode: unmanaged\n"))
    site.edit("organization.yaml", SANDBOX)
    gone_on = typist.types(go.text, {"Enter a value:": "yes"})
    site.aws.heal()
    back = typist.types(home.text, {}, **names)
    (site.config / "project.yaml").write_text(old)
    site.edit("security.yaml", ("trail:\n  mode: unmanaged\n", "trail:\n  mode: on\n"))
    deployed = site.strata("deploy", "--yes")

    assert sorted(one["Key"] for one in copied if "/terraform.tfstate" in one["Key"]) == [
        f"management/{stack}/terraform.tfstate" for stack in STACKS
    ]
    for run in (made, gone_on, back, deployed):
        assert run.code == 0, run.text
    assert site.strata("plan", "--exit-code").code == 0
    assert site.aws.writing_calls()["organizations:CreateAccount"] == 1


def test_locking_by_s3_alone_and_by_both_again(typist: Typist) -> None:
    """As the page has it, with a change in each: no state is refused, and the digests are kept up again."""
    site, (alone, digests, both) = typist.site, blocks(RECOVER, "sh", "Locking: from both to s3 and back")
    old = site.config.joinpath("project.yaml").read_text()
    first, second, third = (f"description: {one} member can leave" for one in ("No", "Not one", "Never a"))

    site.append("project.yaml", "state:\n  locking: s3\n")
    site.edit("organization.yaml", ("description: Members cannot leave", first))
    went = typist.types(alone.text)
    site.edit("organization.yaml", (first, second))
    changed = site.strata("deploy", "--yes")
    names = {"BUCKET": site.bucket, "TABLE": TABLE}
    site.config.joinpath("project.yaml").write_text(old)
    site.edit("organization.yaml", (second, third))
    back = typist.types(digests.text + both.text, {}, **names)

    for run in (went, changed, back):
        assert run.code == 0, run.text
    assert digest(site, "organizations") == content_digest(site, "organizations")
    assert site.strata("plan", "--exit-code").code == 0
    assert site.locks() == []


def test_renaming_the_state_bucket(typist: Typist) -> None:
    """The states move to a new bucket, the old ones are forgotten, and nothing is destroyed."""
    site = typist.site
    saved = typist.types(page("Renaming the state bucket", block=0))
    assert saved.code == 0, saved.text
    site.append("project.yaml", "state:\n  bucket: ex-renamed-state-bucket\n")

    moved = typist.types(page("Renaming the state bucket", block=1), {"[y/N]": "y"})

    assert moved.code == 0, moved.text
    changes = planned_changes(moved.stdout)
    assert changes["aws_s3_bucket.state"].startswith("import")
    assert changes["aws_s3_bucket.replica"] == "create"
    assert not {"delete", "replace"} & set(changes.values())


def test_leaving_and_keeping_everything(typist: Typist) -> None:
    """Terraform forgets everything, and AWS has it all as before."""
    site = typist.site
    left = typist.types(page("Keeping everything as it is"))

    assert left.code == 0, left.text
    assert [site.addresses(stack) for stack in STACKS] == [set()] * 4
    assert site.aws.writing_calls() == {}


def test_leaving_and_taking_down_what_strata_made(typist: Typist) -> None:
    """What can go goes, in the order of the page; what is guarded, and the settings of the account, stay."""
    site = typist.site
    left = typist.types(page("Deleting what Strata created"), {"Enter a value:": "yes"})

    assert left.code == 0, left.text[-3000:]
    assert [site.addresses(stack) for stack in STACKS] == [set()] * 4
    done = [call.action for call in site.aws.calls(by="provider") if call.writes]
    order = ("sso-admin:DeleteAccountAssignment", "cloudtrail:DeleteTrail", "organizations:DeletePolicy")
    assert sorted(order, key=done.index) == list(order)
    assert not {action.partition(":")[2] for action in done} & GUARDED
    assert len(site.accounts()) == 3
    assert site.client("s3").get_bucket_policy(Bucket=site.bucket)["Policy"]
    assert site.client("ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]


def test_deleting_the_buckets_and_the_table(empty: Site, tmp_path: Path) -> None:
    """The buckets go with all their versions, and the table in spite of its protection."""
    site = empty
    site.sign_in_as_administrator()
    site.output.mkdir()
    assert site.strata("bootstrap", "--yes").code == 0
    bucket = site.bucket
    site.client("s3").create_bucket(Bucket=f"{bucket}-replica")
    for body in (b"1", b"2"):
        site.client("s3").put_object(Bucket=bucket, Key="management/sso/terraform.tfstate", Body=body)

    (block,) = blocks(LEAVE, "sh", "Deleting the buckets and the table")
    deleted = Typist.at(site, tmp_path).types(block.text, BUCKET=bucket, TABLE=TABLE)

    assert deleted.code == 0, deleted.text
    assert site.client("s3").list_buckets()["Buckets"] == []
    assert site.client("dynamodb").list_tables()["TableNames"] == []


@pytest.mark.quick
def test_every_runnable_block_is_run() -> None:
    """A block marked sh under a heading that no test here names is a promise nobody keeps."""
    named = Path(__file__).read_text(encoding="utf-8")

    assert {block.heading for block in BLOCKS if f'"{block.heading}"' not in named} == set()


FINOPS = """\
  FinOps:
    description: Billing and cost management.
    policies:
      - aws: job-function/Billing
"""
ROOT_USER = """\
  deny-root-user:
    type: SERVICE_CONTROL_POLICY
    file: policies/deny-root-user.json
    description: The root user of a member does nothing; central root access keeps working.
"""
THEIRS_SET, THEIRS_POLICY = (f"{text.splitlines()[0]}\n    external: true\n" for text in (FINOPS, ROOT_USER))
THEIRS_POLICY += "    type: SERVICE_CONTROL_POLICY\n"


def copied(stderr: str, start: str) -> list[str]:
    """Returns the lines below a refusal that begin so."""
    return [line.strip() for line in stderr.splitlines() if line.startswith(f"  {start}")]


def test_what_others_look_after_from_now_on_stays_as_it_is_and_comes_back(shipped: Site) -> None:
    """A permission set and a policy leave the states by the commands of the refusal, and AWS is asked for nothing."""
    held, made = {"aws_ssoadmin_permission_set.FinOps", f"{POLICY}.deny-root-user"}, shipped.aws.writing_calls()
    shipped.edit("sso.yaml", (FINOPS, THEIRS_SET))
    shipped.edit("organization.yaml", (ROOT_USER, THEIRS_POLICY))

    refused = shipped.strata("deploy", "--yes")
    commands = copied(refused.stderr, "terraform ")
    assert (refused.code, len(commands)) == (1, 4), refused.text
    for command in commands:
        there = command.replace("cdktf.out", str(shipped.output)).removeprefix("terraform")
        done = shipped.shell(f"$TERRAFORM_BINARY_NAME {there}")
        assert done.code == 0, done.text
    deployed = shipped.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text
    assert shipped.aws.writing_calls() == made
    assert not held & {*shipped.addresses("sso"), *shipped.addresses("organizations")}
    assert "aws_ssoadmin_account_assignment.management_FinOps_group_finops" in shipped.addresses("sso")
    assert shipped.strata("plan", "--exit-code").code == 0

    shipped.edit("sso.yaml", (THEIRS_SET, THEIRS_SET + "    name: Fin\n"))
    missing = shipped.strata("deploy", "--yes", "--json")
    assert [one for one in missing.ids if one == "permission-set-missing"], missing.text

    shipped.edit("sso.yaml", (THEIRS_SET + "    name: Fin\n", FINOPS))
    shipped.edit("organization.yaml", (THEIRS_POLICY, ROOT_USER.replace("The root user", "root")))
    (line,) = copied(shipped.strata("deploy", "--yes").stderr, "aws_ssoadmin_permission_set.FinOps:")
    shipped.append("imports.yaml", f"{line}\n")
    planned = shipped.strata("plan", "--json").planned
    assert {address: planned[stack][address] for stack in planned for address in held & planned[stack].keys()} == {
        "aws_ssoadmin_permission_set.FinOps": "import",
        f"{POLICY}.deny-root-user": "import and update",
    }
    assert shipped.strata("deploy", "--yes", "--allow", f"import:{POLICY}.deny-root-user").code == 0
    assert shipped.strata("plan", "--exit-code").code == 0


def test_plain_terraform_goes_on_with_an_empty_plan(typist: Typist) -> None:
    """The plans of the page find no difference, and the README has the stacks in their order."""
    ejected = typist.types(page("Terraform alone"), {})

    assert ejected.code == 0, ejected.text[-3000:]
    folder = next(typist.site.folder.parent.rglob("backend/main.tf.json")).parent.parent
    assert re.findall(r"^terraform -chdir=(\w+) init", (folder / "README.md").read_text(), re.MULTILINE) == [*STACKS]
    assert "//" not in {
        key for place, _ in walk(json.loads((folder / "sso/main.tf.json").read_text())) for key in place
    }
    assert typist.site.aws.writing_calls() == {}
