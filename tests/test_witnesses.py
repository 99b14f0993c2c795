"""A recording has what AWS answered and nobody's names; the emulated AWS is held against it, call by call."""

from __future__ import annotations

import json
import os
import random
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from typer.testing import CliRunner

from strata.aws import provider_log, recording
from strata.aws.pseudonyms import OF_AWS, Pseudonyms, secrets_in
from strata.aws.session import Aws as Session
from strata.aws.session import AwsError
from strata.cli import app
from strata.errors import StrataError
from tests.aws.client import ACCOUNT, Aws
from tests.documents import CHECKOUT
from tests.replay_recording import Replay
from tests.said import Said

LOG = CHECKOUT / "tests/vectors/provider.log"
OURS = ("acme", "Quixotic", "payments", ACCOUNT, "example", "jane")
"""Words that the recorded calls have, which nobody is to read."""


@pytest.fixture
def aws(emulated: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    emulated.restore()
    for name, value in emulated.environment().items():
        monkeypatch.setenv(name, value)
    return emulated


def evening(aws: Aws) -> None:
    """Makes calls as Strata does, some of them refused."""
    here = Session(None, "us-east-1")
    here.caller()
    organizations, s3, iam = (here.client(name) for name in ("organizations", "s3", "iam"))
    organizations.create_organization(FeatureSet="ALL")
    organizations.list_accounts()
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    unit = organizations.create_organizational_unit(ParentId=root, Name="Quixotic payments")["OrganizationalUnit"]["Id"]
    statement = {"Sid": "Quixotic", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = organizations.create_policy(Name="no acme", Description="", Type="SERVICE_CONTROL_POLICY", Content=document)[
        "Policy"
    ]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=made, TargetId=unit)
    refused(organizations.attach_policy, PolicyId=made, TargetId=unit)
    organizations.describe_policy(PolicyId=made)
    list(organizations.items("list_targets_for_policy", "Targets[]", PolicyId=made))
    refused(organizations.delete_policy, PolicyId=made)
    s3.create_bucket(Bucket=f"acme-payments-{ACCOUNT}")
    s3.put_object(Bucket=f"acme-payments-{ACCOUNT}", Key="acme/state", Body=b"{}", IfNoneMatch="*")
    refused(s3.put_object, Bucket=f"acme-payments-{ACCOUNT}", Key="acme/state", Body=b"{}", IfNoneMatch="*")
    refused(iam.get_role, RoleName="jane")
    iam.create_role(RoleName="jane", AssumeRolePolicyDocument=document)
    iam.get_role(RoleName="jane")
    asked = organizations.create_account(AccountName="acme", Email="jane@example.com")["CreateAccountStatus"]["Id"]
    aws.wait_an_hour()
    done = organizations.describe_create_account_status(CreateAccountRequestId=asked)["CreateAccountStatus"]
    inside = here.assuming(f"arn:aws:iam::{done['AccountId']}:role/OrganizationAccountAccessRole")
    inside.client("ec2").get_ebs_encryption_by_default()


def refused(operation: Any, **parameters: Any) -> None:
    with pytest.raises(AwsError):
        operation(**parameters)


def shuffled(text: str) -> str:
    """Returns a recording with other ids and names of the same length: as another organization's would be."""
    mixed = random.Random(1)  # noqa: S311
    words = set(re.findall(r"\b(?:0{6,}\d+|a{3,}[a-z0-9]*)\b", text))
    new: dict[str, str] = {}
    for word in sorted(words):
        letters = string.digits if word.isdigit() else string.ascii_lowercase
        new[word] = "".join(mixed.choice(letters) for _ in word)
    assert len({*new.values()}) == len(new)
    return re.sub(r"\b\w+\b", lambda match: new.get(match[0], match[0]), text)


def replayed(file: Path, emulated: Aws) -> tuple[list[str], int]:
    emulated.restore()
    _, calls = recording.read(file)
    replay = Replay(emulated)
    return list(replay.differences(calls)), replay.left


@pytest.fixture
def made(aws: Aws, tmp_path: Path) -> Path:
    with recording.recorded(tmp_path / "made"):
        evening(aws)
    return tmp_path / "made"


def test_the_emulated_aws_answers_a_recording_of_itself_but_for_the_answer_that_was_changed(
    made: Path, aws: Aws
) -> None:
    text = made.read_text()
    assert json.loads(text.splitlines()[0]) == {"format": 1, "calls of": ["boto3"]}
    assert [word for word in OURS if word in text] == []
    made.write_text(shuffled(text))
    assert replayed(made, aws) == ([], 0)

    lines = made.read_text().splitlines()
    number, line = next((number, line) for number, line in enumerate(lines, 1) if "DuplicatePolicyAttachment" in line)
    lines[number - 1] = line.replace("DuplicatePolicyAttachmentException", "PolicyInUseException")
    made.write_text("\n".join(lines))

    (told,), _ = replayed(made, aws)
    assert told.startswith(f"{number}: organizations:AttachPolicy: ")


def test_another_shape_and_another_state_are_listed(made: Path, aws: Aws) -> None:
    changes: dict[str, Any] = {
        "DescribePolicy": lambda answer: answer["Policy"]["PolicySummary"].pop("Arn"),
        "ListRoots": lambda answer: answer["Roots"][0].update(PolicyTypes=[{"Type": "X", "Status": "ENABLED"}]),
        "GetEbsEncryptionByDefault": lambda answer: answer.update(EbsEncryptionByDefault=True),
    }
    head, *lines = made.read_text().splitlines()
    calls = [json.loads(line) for line in lines]
    numbers = {number: call for number, call in enumerate(calls, 2) if call["operation"] in changes}
    for call in numbers.values():
        changes[call["operation"]](call["answer"])
    made.write_text("\n".join([head, *map(json.dumps, calls)]))

    listed, _ = replayed(made, aws)

    assert {int(line.split(": ")[0]) for line in listed} == numbers.keys()


# The provider


def test_the_log_of_the_provider_has_its_calls_with_parameters_refusals_and_answers(tmp_path: Path) -> None:
    """The log is of the real provider 5.100, on the emulated AWS."""
    calls = [call for _, call in provider_log.read(LOG)]

    found = {str(call.model.name): call for call in calls}
    assert found["CreateOrganizationalUnit"].parameters == {"Name": "Work shop", "ParentId": "r-441t"}
    unit = (found["CreateOrganizationalUnit"].answer or {})["OrganizationalUnit"]
    assert (unit["Id"], unit["Name"]) == ("ou-441t-9do6y243", "Work shop")
    assert found["PutAlternateContact"].parameters == {
        "AlternateContactType": "SECURITY",
        "EmailAddress": "a@example.com",
        "Name": "Sec Team",
        "PhoneNumber": "+49 1234",
        "Title": "t",
    }
    assert (found["CreateRole"].parameters or {})["MaxSessionDuration"] == 3600
    assert next(call.code for call in calls if call.model.name == "HeadBucket") == "404"
    assert {call.account for call in calls} == {ACCOUNT}

    recording.write(tmp_path / "made", provider_log.read(LOG))
    head, recorded = recording.read(tmp_path / "made")
    assert (head["calls of"], len(recorded)) == (["provider"], len(calls))
    text = (tmp_path / "made").read_text()
    assert [word for word in ("Work shop", "Sec Team", "secretive", "441t", ACCOUNT, '1234"') if word in text] == []


def test_the_emulated_aws_answers_the_provider_as_the_log_has_it(aws: Aws, tmp_path: Path) -> None:
    recording.write(tmp_path / "made", provider_log.read(LOG))

    listed, left = replayed(tmp_path / "made", aws)

    assert ([line.split(": ", 1)[1] for line in listed], left) == (
        ["organizations:ListAccounts: Accounts[].Status: AWS alone has it"],  # which provider 5 alone still gets
        1,
    )


# Names and secrets

_NAMES = some.text(string.ascii_letters + string.digits + "-._@ +äß", min_size=6, max_size=40)
_SECRETS = some.from_regex(r"(AKIA|ASIA)[A-Z0-9]{16}|[A-Za-z0-9+/]{40}", fullmatch=True)


@settings(max_examples=30, derandomize=True, database=None)
@given(names=some.lists(_NAMES, min_size=2, max_size=5), secret=_SECRETS)
def test_no_name_and_no_secret_is_left_and_what_is_equal_stays_equal(names: list[str], secret: str) -> None:
    import botocore.session

    session = botocore.session.get_session()
    shape = session.get_service_model("organizations").operation_model("ListAccounts").output_shape
    held = session.get_service_model("sts").operation_model("AssumeRole").output_shape
    pseudonyms = Pseudonyms()
    listed = pseudonyms.of(shape, {"Accounts": [{"Name": name, "Email": f"{name}@x.io"} for name in names]})
    again = [pseudonyms.text(name) for name in names]
    credentials = {"AccessKeyId": secret, "SecretAccessKey": secret, "SessionToken": secret}
    given = pseudonyms.of(held, {"Credentials": credentials})
    inline = pseudonyms.text(f"see {secret} and {names[0]}")

    shown = json.dumps([listed, given, inline])
    assert [account["Name"] for account in listed["Accounts"]] == again
    assert len({*again}) == len({*names})
    assert given["Credentials"] == {"AccessKeyId": "", "SecretAccessKey": "", "SessionToken": ""}
    assert secret not in shown
    assert list(secrets_in([listed, given, inline])) == []
    words = {word for name in names if "amazonaws" not in name for word in re.findall(r"[^\W_]+", name)}
    values = " ".join([*again, *(account["Email"] for account in listed["Accounts"]), inline])
    left = {word for word in words if len(word) > 5 and re.search(rf"\b{word}\b", values) and set(word) - set("0a")}
    assert left <= OF_AWS


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "-----BEGIN RSA PRIVATE KEY-----",
        "eyJhbGciOiJI.eyJz",
    ],
)
def test_a_recording_with_what_looks_like_a_secret_is_refused_with_its_path(
    tmp_path: Path, said: Said, secret: str
) -> None:
    call = {"service": "sts", "operation": "X", "parameters": {}, "code": "", "answer": {"A": [{}, {"B": secret}]}}
    (tmp_path / "made").write_text(f'{{"format":1}}\n{json.dumps(call)}\n')

    with pytest.raises(StrataError) as refusal:
        recording.read(tmp_path / "made")

    (told,) = said(refusal)
    assert (told.id, told.data["path"]) == ("recording-has-secret", "calls[0].answer.A[1].B")


def test_a_newer_recording_is_refused_with_both_versions_and_another_file_is_none(tmp_path: Path, said: Said) -> None:
    file = tmp_path / "made"
    file.write_text('{"format":7}\n')
    with pytest.raises(StrataError) as refusal:
        recording.read(file)
    (told,) = said(refusal)
    assert (told.id, told.data) == ("recording-newer", {"format": 7, "expected": recording.FORMAT})

    file.write_text("calls: []\n")
    with pytest.raises(StrataError) as refusal:
        recording.read(file)
    assert said.ids(refusal) == ["no-recording"]


# The commands


def test_a_command_writes_its_recording_also_where_it_fails(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    from strata.files.template import TEMPLATE

    file = tmp_path / "made"
    monkeypatch.setenv("STRATA_RECORD", str(file))
    monkeypatch.setenv("TF_LOG_PROVIDER", "ERROR")

    first = CliRunner().invoke(app, ["--config", str(TEMPLATE), "drift"])
    _, calls = recording.read(file)
    second = CliRunner().invoke(app, ["--config", str(TEMPLATE), "drift"])

    assert (first.exit_code, calls[0]["operation"], calls[1]["code"]) == (1, "GetCallerIdentity", "NoSuchBucket")
    assert (second.exit_code, said.ids(second)) == (1, ["file-exists"])
    since = len(aws.calls())
    monkeypatch.setenv("STRATA_RECORD", str(tmp_path / "none" / "made"))
    third = CliRunner().invoke(app, ["--config", str(TEMPLATE), "drift"])
    assert (third.exit_code, said.ids(third), aws.calls(since=since)) == (1, ["file-unwritable"], [])
    assert file.stat().st_mode & 0o777 == 0o600
    assert (os.environ["TF_LOG_PROVIDER"], "TF_LOG_PATH" in os.environ) == ("ERROR", False)
