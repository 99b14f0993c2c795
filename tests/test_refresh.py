"""Which plans do without a refresh: the decision, what is compared, how often AWS is asked, what a deploy records."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strata.aws import kept, runs
from strata.aws.runs import Run
from strata.aws.session import Aws as Session
from strata.aws.session import AwsError
from strata.aws.states import Version, etags
from strata.config.models import Project, state_key
from strata.errors import Message
from strata.kinds import RESOURCES
from strata.kinds.at_aws import LiveAssignment, LiveCenter, LiveCustomerPolicy, LiveGroup, LivePermissionSet, LiveUser
from strata.kinds.reading import BulkReading, EventRule
from strata.terraform import refresh, whole
from strata.terraform.refresh import Refreshing, providers
from strata.terraform.reread import difference
from strata.terraform.whole import Origin
from strata.terraform.workspace import StateObject, Workspace
from tests.aws.client import ACCOUNT
from tests.said import Said

PROJECT = Project.model_validate(
    {
        "name": "acme",
        "short_name": "ac",
        "management_account": {"id": ACCOUNT, "name": "acme", "email": "aws@example.com"},
        "regions": {"primary": "us-east-1", "secondary": "us-west-2"},
    }
)
Json = dict[str, Any]

# What is compared

STORE, INSTANCE, SET, OTHER = "d-1", "arn:aws:sso:::instance/i", "arn:aws:sso:::permissionSet/i/1", "arn:x/2"
OF_SET = {"instance_arn": INSTANCE, "permission_set_arn": SET, "timeouts": {"create": "60m"}, "region": "eu-west-1"}
READ_ONLY, DOCUMENT = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", '{"Version":"2012-10-17","Statement":[]}'
DEFAULT_TAGS = {"ManagedBy": "strata"}
EMAIL = {"value": "ana@x.io", "type": "work", "primary": True}
NAME = {"given_name": "Ana", "family_name": "Adler", "formatted": ""}
SOURCE = {"Key": "Team", "Value": {"Source": ["${path:x}"]}}
PATTERN = '{"source":["aws.sso"]}'
RULE = "arn:aws:events:eu-west-1:123456789012:rule/r"
STATE: dict[str, Json] = {
    "aws_identitystore_user": {
        "id": "d-1/u1",
        "user_id": "u1",
        "identity_store_id": STORE,
        "user_name": "ana",
        "display_name": "Ana",
        "name": [NAME],
        "emails": [EMAIL],
        "phone_numbers": [],
        "addresses": [],
        "external_ids": [],
        "nickname": "An",
        "title": "",
        "locale": None,
        "region": "eu-west-1",
    },
    "aws_identitystore_group": {
        "id": "d-1/g1",
        "group_id": "g1",
        "identity_store_id": STORE,
        "display_name": "ops",
        "description": "",
        "external_ids": [],
        "arn": "arn:aws:identitystore:::group/g1",
    },
    "aws_identitystore_group_membership": {
        "id": "d-1/m1",
        "membership_id": "m1",
        "identity_store_id": STORE,
        "group_id": "g1",
        "member_id": "u1",
    },
    "aws_ssoadmin_permission_set": {
        "id": f"{SET},{INSTANCE}",
        "arn": SET,
        "instance_arn": INSTANCE,
        "name": "Admin",
        "description": "All.",
        "session_duration": "PT1H",
        "relay_state": "",
        "created_date": "2026-03-01T09:00:00Z",
        "tags": {"Team": "a"},
        "tags_all": {"Team": "a", **DEFAULT_TAGS},
        "timeouts": {"update": "60m"},
    },
    "aws_ssoadmin_managed_policy_attachment": {
        **OF_SET,
        "id": f"{READ_ONLY},{SET},{INSTANCE}",
        "managed_policy_arn": READ_ONLY,
        "managed_policy_name": "ViewOnlyAccess",
    },
    "aws_ssoadmin_customer_managed_policy_attachment": {
        **OF_SET,
        "id": f"Ops,/a/,{SET},{INSTANCE}",
        "customer_managed_policy_reference": [{"name": "Ops", "path": "/a/"}],
    },
    "aws_ssoadmin_permission_set_inline_policy": {
        **OF_SET,
        "id": f"{SET},{INSTANCE}",
        "inline_policy": json.dumps(json.loads(DOCUMENT), sort_keys=True, indent=1),
    },
    "aws_ssoadmin_permissions_boundary_attachment": {
        **OF_SET,
        "id": f"{SET},{INSTANCE}",
        "permissions_boundary": [
            {"managed_policy_arn": "", "customer_managed_policy_reference": [{"name": "Edge", "path": "/"}]}
        ],
    },
    "aws_ssoadmin_account_assignment": {
        **OF_SET,
        "id": f"g1,GROUP,{ACCOUNT},AWS_ACCOUNT,{SET},{INSTANCE}",
        "principal_id": "g1",
        "principal_type": "GROUP",
        "target_id": ACCOUNT,
        "target_type": "AWS_ACCOUNT",
    },
    "aws_ssoadmin_instance_access_control_attributes": {
        "id": INSTANCE,
        "instance_arn": INSTANCE,
        "status": "ENABLED",
        "status_reason": "",
        "attribute": [{"key": "Team", "value": [{"source": ["${path:x}"]}]}],
    },
    "aws_cloudwatch_event_rule": {
        "id": "r",
        "name": "r",
        "arn": RULE,
        "description": "Alert.",
        "event_bus_name": "default",
        "event_pattern": json.dumps(json.loads(PATTERN)),
        "is_enabled": True,
        "state": "ENABLED",
        "role_arn": "",
        "schedule_expression": "",
        "tags": None,
        "tags_all": DEFAULT_TAGS,
        "force_destroy": False,
        "name_prefix": "",
    },
    "aws_cloudwatch_event_target": {
        "id": "r-mail",
        "rule": "r",
        "target_id": "mail",
        "arn": "arn:aws:sns:eu-west-1:123456789012:alerts",
        "event_bus_name": "default",
        "input": "",
        "input_path": "",
        "input_transformer": [{"input_paths": {"a": "$.account"}, "input_template": "<a>"}],
        "role_arn": "",
        "ecs_target": [],
        "force_destroy": False,
    },
}
"""What a state has of one thing of each type."""
MADE_BY_THE_PROVIDER = {"region", "timeouts", "force_destroy", "name_prefix"}


def reading() -> BulkReading:
    """Returns what AWS has where nothing drifted."""
    user = {
        "UserId": "u1",
        "UserName": "ana",
        "DisplayName": "Ana",
        "NickName": "An",
        "Name": {"GivenName": "Ana", "FamilyName": "Adler"},
        # The provider does not know the last, so that no state has it.
        "Emails": [{"Value": "ana@x.io", "Type": "work", "Primary": True, "VerificationStatus": "VERIFIED"}],
    }
    group = {"GroupId": "g1", "DisplayName": "ops"}
    date = dt.datetime(2026, 3, 1, 10, 0, 0, 700, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    permission_set = LivePermissionSet(
        *(SET, "Admin", {"Description": "All.", "SessionDuration": "PT1H", "CreatedDate": date}, (READ_ONLY,)),
        *((LiveCustomerPolicy("Ops", "/a/"),), DOCUMENT, LiveCustomerPolicy("Edge", "/")),
        tags={"Team": "a", **DEFAULT_TAGS, "aws:made": "by us"},
    )
    center = LiveCenter(
        instance=INSTANCE,
        store=STORE,
        region="eu-west-1",
        users=(LiveUser("u1", "ana", "Ana", "Adler", "Ana", ("ana@x.io",), external=False, described=user),),
        groups=(LiveGroup("g1", "ops", "", external=False, members={"u1": "m1"}, described=group),),
        permission_sets=(permission_set,),
        assignments=frozenset({LiveAssignment(ACCOUNT, SET, "GROUP", "g1")}),
        orphans=frozenset(),
        attributes={"Team": "${path:x}"},
        access_control={
            "Status": "ENABLED",
            "InstanceAccessControlAttributeConfiguration": {"AccessControlAttributes": [SOURCE]},
        },
    )
    described = {
        "Name": "r",
        "Arn": RULE,
        "Description": "Alert.",
        "EventBusName": "default",
        "EventPattern": PATTERN,
        "State": "ENABLED",
    }
    target = {
        "Id": "mail",
        "Arn": "arn:aws:sns:eu-west-1:123456789012:alerts",
        "InputTransformer": {"InputPathsMap": {"a": "$.account"}, "InputTemplate": "<a>"},
    }
    return BulkReading(center, {"r": EventRule(described, DEFAULT_TAGS, (target,))})


def state_of(type: str, **attributes: Any) -> Json:
    """Returns a state with one thing, of which some attributes are others."""
    instance = {"attributes": {**copy.deepcopy(STATE[type]), **attributes}}
    return {
        "lineage": "one",
        "serial": 7,
        "resources": [{"mode": "managed", "type": type, "name": "x", "instances": [instance]}],
    }


def test_every_type_that_is_compared_is_tried_here() -> None:
    assert set(STATE) == {type for type, one in RESOURCES.items() if one.reads}


@pytest.mark.parametrize("type", STATE)
def test_what_is_equal_in_every_attribute_needs_no_refresh(type: str) -> None:
    assert difference(state_of(type), reading(), DEFAULT_TAGS) is None


@pytest.mark.parametrize("type", STATE)
def test_a_difference_in_any_attribute_is_found(type: str) -> None:
    """But for what the provider makes itself."""
    for name in STATE[type]:
        found = difference(state_of(type, **{name: "another"}), reading(), DEFAULT_TAGS)
        made_up = name in MADE_BY_THE_PROVIDER or (type, name) == ("aws_identitystore_group", "arn")
        assert bool(found) is not made_up, f"{name}: {found}"
        assert "another" not in str(found), "a value may be what nobody shall read"


@pytest.mark.parametrize("type", STATE)
def test_an_attribute_that_is_not_read_is_not_covered(type: str) -> None:
    found = difference(state_of(type, colour="red"), reading(), DEFAULT_TAGS)

    assert found
    assert (found.id, found.place, found.data) == ("not-read-in-bulk", f"{type}.x", {"argument": "colour"})


@pytest.mark.parametrize("type", sorted(set(STATE) - {"aws_ssoadmin_account_assignment"}))
def test_what_aws_does_not_have_is_no_equal(type: str) -> None:
    empty = LiveCenter(INSTANCE, STORE, "eu-west-1", (), (), (), frozenset(), frozenset(), None)

    found = difference(state_of(type), BulkReading(empty, {}), DEFAULT_TAGS)

    assert found
    assert (found.id, found.place) == ("not-at-aws", f"{type}.x")


def test_default_tags_that_change_make_a_refresh_find_others(said: Said) -> None:
    """A tag that is no default any more would be the thing's own; one that is added would not."""
    state = state_of("aws_ssoadmin_permission_set")

    assert difference(state, reading(), {**DEFAULT_TAGS, "New": "x"}) is None
    (told,) = said(difference(state, reading(), {"ManagedBy": "hand"}))
    assert (told.id, told.place) == ("other-default-tags", "aws_ssoadmin_permission_set.x")


def test_a_parameter_of_a_target_that_an_alert_does_not_have_is_not_covered(said: Said) -> None:
    found = reading()
    (target,) = found.rules["r"].targets  # type: ignore[union-attr]
    more = EventRule(found.rules["r"].described, DEFAULT_TAGS, ({**target, "RetryPolicy": {}},))  # type: ignore[union-attr]

    why = difference(state_of("aws_cloudwatch_event_target"), BulkReading(found.center, {"r": more}), DEFAULT_TAGS)

    (told,) = said(why)
    assert (told.id, told.data["argument"]) == ("not-read-in-bulk", "ecs_target")
    assert told.place == "aws_cloudwatch_event_target.x"


# The decision


SOURCES = {"registry.terraform.io/hashicorp/aws": "6.25.0"}
STATE_OBJECT = StateObject("b", state_key("sso"), "us-east-1")
LOCK = 'provider "registry.terraform.io/hashicorp/aws" {\n  version     = "6.25.0"\n}\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A synthesized and initialized `sso`."""
    folder = tmp_path / "stacks/sso"
    folder.mkdir(parents=True)
    tags = {"default_tags": [{"tags": DEFAULT_TAGS}]}
    (folder / "cdk.tf.json").write_text(json.dumps({"terraform": {}, "provider": {"aws": [tags]}}))
    (folder / ".terraform.lock.hcl").write_text(LOCK)
    return Workspace(tmp_path, {})


class Decided:
    """A decision, of a state and runs that a test changes."""

    def __init__(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workspace, self.patch = workspace, monkeypatch
        self.state: Json = state_of("aws_ssoadmin_permission_set")
        self.runs: Any = {"sso": Run(Version("one", 7), SOURCES)}
        self.read: Any = reading()
        self.readings = 0
        self.always = self.changed = False

    def why(self, serial: int = 7) -> Message | None:
        def told(answer: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        def read(*_: object) -> Any:
            self.readings += 1
            return told(self.read)

        self.patch.setattr(runs, "read", lambda *_: told(self.runs))
        self.patch.setattr(refresh, "_read", read)
        with Refreshing(always=self.always) as refreshing:
            refreshing.begin(Session(None, "us-east-1"), PROJECT, {"sso": self.state}, ["sso"])
            if self.changed:
                refreshing.changed("sso")
            why = refreshing.why(self.workspace, "sso", {STATE_OBJECT: Version("one", serial)})
            self.kept = refreshing.center("sso", self.state), refreshing.center("sso", {**self.state, "serial": 8})
            return why


@pytest.fixture
def decided(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Decided:
    return Decided(workspace, monkeypatch)


def test_a_state_that_equals_aws_after_a_whole_run_needs_no_refresh(decided: Decided) -> None:
    assert decided.why() is None
    assert decided.readings == 1
    assert decided.kept == (decided.read.center, None)


def test_a_difference_needs_one(decided: Decided, said: Said) -> None:
    decided.state = state_of("aws_ssoadmin_permission_set", description="Some.")

    (told,) = said(decided.why())
    assert (told.id, told.data) == ("differs-at-aws", {"argument": "description"})
    assert told.place == "aws_ssoadmin_permission_set.x"


def _tainted() -> Json:
    state = state_of("aws_ssoadmin_permission_set")
    state["resources"][0]["instances"][0]["status"] = "tainted"
    return state


def _deposed() -> Json:
    state = state_of("aws_ssoadmin_permission_set")
    state["resources"][0]["instances"].append({"attributes": {}, "deposed": "1"})
    return state


def _of_another_type() -> Json:
    state = state_of("aws_ssoadmin_permission_set")
    state["resources"].append({**state["resources"][0], "type": "aws_ssoadmin_application"})
    return state


DENIED = AwsError(Message("aws-denied", "s3:GetObject is not allowed"), "AccessDenied")
RUNS, X = "s3://ac-terraform-state-123456789012/management/runs.json", "aws_ssoadmin_permission_set.x"
NOT_EVEN_READ: dict[str, tuple[Json, tuple[str, str, Json]]] = {
    "asked for": ({"always": True}, ("refresh-asked-for", "", {})),
    "no state": ({"state": {}}, ("without-state", "", {})),
    "tainted": ({"state": _tainted()}, ("object-tainted", X, {})),
    "deposed": ({"state": _deposed()}, ("object-deposed", X, {})),
    "another type": ({"state": _of_another_type()}, ("not-read-in-bulk", "", {"type": "aws_ssoadmin_application"})),
    "no run": ({"runs": {}}, ("no-whole-run", "", {})),
    "another serial": ({"runs": {"sso": Run(Version("one", 6), SOURCES)}}, ("state-of-another-run", "", {})),
    "another lineage": ({"runs": {"sso": Run(Version("two", 7), SOURCES)}}, ("state-of-another-run", "", {})),
    "runs that are none": ({"runs": ValueError("no object")}, ("kept-file-unreadable", RUNS, {})),
    "runs that are not told": ({"runs": DENIED}, ("kept-file-unreadable", RUNS, {})),
}
"""What is other than where no refresh is needed; id, place and values of the reason."""


@pytest.mark.parametrize("case", NOT_EVEN_READ)
def test_where_a_refresh_is_needed_anyway_nothing_is_read(decided: Decided, case: str, said: Said) -> None:
    changes, expected = NOT_EVEN_READ[case]
    for name, value in changes.items():
        setattr(decided, name, value)

    assert [(one.id, one.place, one.data) for one in said(decided.why())] == [expected]
    assert decided.readings == 0


def test_another_provider_needs_a_refresh(decided: Decided, said: Said) -> None:
    decided.runs = {"sso": Run(Version("one", 7), {"registry.terraform.io/hashicorp/aws": "6.24.0"})}

    (told,) = said(decided.why())
    assert (told.id, told.data) == ("other-provider", {"was": "aws 6.24.0", "now": "aws 6.25.0"})


def test_a_state_that_changed_since_it_was_read_needs_a_refresh(decided: Decided, said: Said) -> None:
    assert said.ids(decided.why(serial=8)) == ["changed-meanwhile"]


def test_tags_of_the_environment_need_a_refresh(decided: Decided, workspace: Workspace, said: Said) -> None:
    decided.workspace = Workspace(workspace.folder, {"TF_AWS_DEFAULT_TAGS_Owner": "me"})

    assert said.ids(decided.why()) == ["tags-from-environment"]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (AwsError(Message("aws-denied", "sso:ListPermissionSets is not allowed"), "AccessDenied"), "aws-failed"),
        (None, "identity-center-off"),
    ],
)
def test_what_cannot_be_read_needs_a_refresh(decided: Decided, read: Any, expected: str, said: Said) -> None:
    decided.read = read

    assert said.ids(decided.why()) == [expected]


def test_what_this_run_has_changed_needs_a_refresh(decided: Decided, said: Said) -> None:
    decided.changed = True

    assert said.ids(decided.why()) == ["changed-by-this-run"]
    assert decided.kept == (None, None)


def test_a_reading_that_is_old_is_made_again(decided: Decided, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "GOOD_FOR", -1)

    assert decided.why() is None
    assert decided.readings == 2


def test_a_provider_that_runs_already_has_the_version_that_is_asked_for(workspace: Workspace) -> None:
    folder = workspace.stack_folder("sso")
    assert providers(workspace, "sso") == SOURCES
    (folder / ".terraform.lock.hcl").unlink()
    asked = {"aws": {"source": "hashicorp/aws", "version": "6.25.0"}}
    (folder / "cdk.tf.json").write_text(json.dumps({"terraform": {"required_providers": asked}}))

    assert providers(workspace, "sso") == {"hashicorp/aws": "6.25.0"}


# What a deploy records


RUN = Run(Version("one", 7), SOURCES)
OTHER_RUN = Run(Version("two", 1), {}, {"sso/shop.yaml": {"groups": ["shop"]}}, [["group", "store"]])


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    from moto import mock_aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        aws = Session(None, "us-east-1")
        aws.client("s3").create_bucket(Bucket=PROJECT.state_bucket)
        yield aws


def test_runs_of_other_stacks_stay(bucket: Session) -> None:
    assert runs.read(bucket, PROJECT) == {}
    runs.write(bucket, PROJECT, {"sso": RUN})
    runs.write(bucket, PROJECT, {"backend": RUN, "sso": OTHER_RUN})

    assert runs.read(bucket, PROJECT) == {"sso": OTHER_RUN, "backend": RUN}


def test_nothing_is_written_where_nothing_is_new(bucket: Session) -> None:
    runs.write(bucket, PROJECT, {})
    assert "Contents" not in bucket.client("s3").list_objects_v2(Bucket=PROJECT.state_bucket)

    runs.write(bucket, PROJECT, {"sso": RUN})
    tag = bucket.client("s3").head_object(Bucket=PROJECT.state_bucket, Key=kept.RUNS)["LastModified"]
    runs.write(bucket, PROJECT, {"sso": RUN})

    assert bucket.client("s3").head_object(Bucket=PROJECT.state_bucket, Key=kept.RUNS)["LastModified"] == tag


def test_what_a_stack_is_written_from_is_written_down_where_it_is_new(bucket: Session) -> None:
    key = f"{state_key('topics_shared')}.whole"
    versioned = {"Bucket": PROJECT.state_bucket, "VersioningConfiguration": {"Status": "Enabled"}}
    bucket.client("s3").put_bucket_versioning(**versioned)
    kept.write(bucket, PROJECT, key, json.dumps({"format": kept.FORMAT, "source": "old", "state": "etag"}).encode())

    for source in ("old", "new", "new"):
        whole.renew(bucket, PROJECT, "topics_shared", source)

    written = kept.read(bucket, PROJECT, key)
    versions = bucket.client("s3").items("list_object_versions", "Versions[].Key", Bucket=PROJECT.state_bucket)
    assert written
    assert kept.parsed(written.body) == {"format": kept.FORMAT, "source": "new", "state": "etag"}
    assert [*versions] == [key, key]


def test_a_run_that_had_nothing_to_make_is_written_down_without_a_state(bucket: Session) -> None:
    """One that lost its state meanwhile is not, nor is what others write there."""
    for stack, applied in (("empty", False), ("lost", True)):
        whole.write(bucket, PROJECT, stack, Origin("digest"), lambda *_: "", None, applied=applied)
    kept.write(bucket, PROJECT, f"{state_key('odd')}.whole", b"[]")
    known, stacks = etags(bucket, PROJECT), ("empty", "lost", "odd")

    assert whole.without_state(bucket, PROJECT, stacks, known) == {"empty"}
    assert whole.unchanged(bucket, PROJECT, stacks, lambda _: Origin("digest"), lambda *_: "", known) == {"empty"}


FOREIGN = (
    b"",
    b"\xff",
    b"[]",
    b"{}",
    b'{"format": 2, "runs": {}}',
    b'{"format": 1}',
    b'{"format": 1, "runs": []}',
    b'{"format": 1, "runs": {"sso": 5}}',
    b'{"format": 1, "runs": {"sso": {"lineage": "one", "serial": "7", "providers": {}}}}',
    b'{"format": 1, "runs": {"sso": {"lineage": "one", "serial": 7, "providers": {}, "files": {"a": 5}}}}',
    b'{"format": 1, "runs": {"sso": {"lineage": "one", "serial": 7, "providers": {}, "files": {"a": {"b": [5]}}}}}',
    b'{"format": 1, "runs": {"sso": {"lineage": "one", "serial": 7, "providers": {}, "moves": [5]}}}',
    b"[" * 100_000,
)


def test_what_is_no_record_is_told_and_written_over(bucket: Session) -> None:
    for body in FOREIGN:
        bucket.client("s3").put_object(Bucket=PROJECT.state_bucket, Key=kept.RUNS, Body=body)
        with pytest.raises(ValueError, match=r"."):
            runs.read(bucket, PROJECT)

        runs.write(bucket, PROJECT, {"sso": RUN})

        assert runs.read(bucket, PROJECT) == {"sso": RUN}
