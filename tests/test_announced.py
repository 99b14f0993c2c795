"""Names announced in the state bucket: what is read is ours or nothing, and no write loses another's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from strata.aws.kept import ANNOUNCED
from strata.aws.session import Aws, AwsError
from strata.errors import StrataError
from strata.identity import announced
from strata.identity.announced import Name, announce, read, withdraw
from strata.load import load
from tests.said import Said
from tests.synthesized import SHIPPED

PROJECT = load(SHIPPED).project
GROUP: Name = ("group", 'Café, "x" ${y}')
USER: Name = ("user", "kim@example.com")
SET: Name = ("permission-set", "Admin")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An account with a state bucket."""
    from moto import mock_aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        aws = Aws(profile=None, region="us-east-1")
        aws.client("s3").create_bucket(Bucket=PROJECT.state_bucket)
        yield aws


def put(aws: Aws, body: bytes) -> None:
    aws.client("s3").put_object(Bucket=PROJECT.state_bucket, Key=ANNOUNCED, Body=body)


def test_a_run_takes_back_its_own_names_only(aws: Aws) -> None:
    """Names are kept to the letter, twice is once, and what was never announced can be taken back."""
    assert read(aws, PROJECT) == frozenset()
    announce(aws, PROJECT, [GROUP, USER])
    announce(aws, PROJECT, [SET, USER])
    assert read(aws, PROJECT) == {GROUP, USER, SET}

    withdraw(aws, PROJECT, [GROUP, SET, ("user", "nobody")])

    assert read(aws, PROJECT) == {USER}


def test_nothing_is_written_where_nothing_changes(aws: Aws) -> None:
    """A run without new names leaves no file, and none that a reader could not write."""
    announce(aws, PROJECT, [])
    withdraw(aws, PROJECT, [USER])

    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=PROJECT.state_bucket)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"announced": []}',
        b'{"format": 2, "announced": []}',
        b'{"format": 1}',
        b'{"format": 1, "announced": {"group": "admins"}}',
        b'{"format": 1, "announced": "group"}',
        b'{"format": 1, "announced": [["group"]]}',
        b'{"format": 1, "announced": [["role", "admins"]]}',
        b'{"format": 1, "announced": [["group", 1]]}',
        b'{"format": 1, "announced": [["group", "admins"], null]}',
        b'{"format": 1, "announced": [["group", "admins"], ["user"',
        b"[" * 200_000,
    ],
    ids=lambda body: body[:40].decode(errors="replace"),
)
def test_what_is_not_ours_announces_nothing(
    aws: Aws, body: bytes, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    """A half written or foreign file adopts nobody's group; the next run writes it anew."""
    put(aws, body)

    assert read(aws, PROJECT) == frozenset()
    (told,) = said(capsys.readouterr().err)
    assert (told.id, told.place) == ("kept-file-unreadable", f"s3://{PROJECT.state_bucket}/{ANNOUNCED}")

    announce(aws, PROJECT, [GROUP])
    assert read(aws, PROJECT) == {GROUP}


def test_a_write_that_comes_second_is_made_again(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody announces between our reading and our writing: both names are there then."""
    reading, others = announced._read, [USER]

    def read_and_be_late(*arguments: Any) -> Any:
        found = reading(*arguments)
        if others:
            put(aws, json.dumps({"format": 1, "announced": [others.pop()]}).encode())
        return found

    monkeypatch.setattr(announced, "_read", read_and_be_late)
    announce(aws, PROJECT, [GROUP])

    assert read(aws, PROJECT) == {GROUP, USER}


def test_a_bucket_that_refuses_stops_the_run(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an announcement nothing may be created: neither is the refusal swallowed, nor a write tried for ever."""
    aws.client("s3").delete_bucket(Bucket=PROJECT.state_bucket)
    with pytest.raises(AwsError, match="NoSuchBucket"):
        announce(aws, PROJECT, [GROUP])

    aws.client("s3").create_bucket(Bucket=PROJECT.state_bucket)
    monkeypatch.setattr(announced, "_read", lambda *_: (frozenset(), {"IfMatch": '"0"'}))
    put(aws, b"{}")
    with pytest.raises(StrataError) as error:
        announce(aws, PROJECT, [GROUP])
    assert [one.id for one in error.value.args] == ["changed-meanwhile"]
