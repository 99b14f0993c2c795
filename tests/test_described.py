"""The builder of organizations refuses what AWS could not have, and makes one thing of a description for every side."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from strata.aws.session import Aws
from strata.commands.adopt import configuration
from strata.inventory.reading import read
from strata.kinds import addresses
from tests.aws import center
from tests.aws.client import ACCOUNT
from tests.aws.client import Aws as Emulator
from tests.documents import CHECKOUT, blocks
from tests.organizations import (
    ALLOW,
    INSTANCE,
    ROOT,
    SCP,
    STORE,
    ImpossibleError,
    Organization,
    account,
    changed,
    control,
    delegated,
    gone,
    grant,
    group,
    id_of,
    permission_set,
    policy,
    ram_sharing,
    root_access,
    service,
    unit,
    user,
)
from tests.organizations.controls import SETTINGS
from tests.organizations.deployed import DEPLOYED
from tests.organizations.emulated import Emulated, emulate
from tests.scenarios.seeds import SMALL

IMPOSSIBLE: dict[str, tuple[Any, ...]] = {
    "account a2 and account a3 have both a@example.com": (
        account("a2", email="a@example.com"),
        account("a3", email="a@example.com"),
    ),
    "account a1 and account b1 have both the id 000000000001; give one another number": (account("a1"), account("b1")),
    "there are two of account a2": (account("a2"), account("a2")),
    "account a2 is in unit prod, which is not there": (account("a2", within="prod"),),
    "unit a and unit b have both Prod": (unit("a", "Prod"), unit("b", "Prod")),
    "unit a is in itself": (unit("a", within="b"), unit("b", within="a")),
    "policy p is on prod, which is not there": (policy("p", "prod"),),
    "policy p is attached, and policies of the type TAG_POLICY are off": (policy("p", "root", type="TAG_POLICY"),),
    "policy p and policy q have both name": (policy("p", name="name"), policy("q", name="name")),
    "user a and user b have both ana": (user("a", name="ana"), user("b", name="ana")),
    "group g has the member ana, which is no user": (group("g", "ana"),),
    "permission set a b has a name that AWS refuses": (permission_set("a b"),),
    "grant S ana management is of a permission set that is not there": (user("ana"), grant("S", "ana", "management")),
    "grant S x a2 is for x, which is not one of a group and a user": (
        *(account("a2"), permission_set("S")),
        grant("S", "x", "a2"),
    ),
    "management administers x, and is no member account": (delegated("x", "management"),),
}


@pytest.mark.parametrize("reason", IMPOSSIBLE)
def test_a_description_that_aws_could_not_have_is_refused_with_the_reason(reason: str) -> None:
    with pytest.raises(ImpossibleError) as refused:
        Organization(*IMPOSSIBLE[reason])

    assert str(refused.value) == reason


def test_what_somebody_could_not_do_at_aws_is_refused_and_an_edit_may_be_anything() -> None:
    """AWS deletes no unit that holds something; a configuration may say so, and is refused by Strata."""
    with pytest.raises(ImpossibleError, match="account a2 is in unit prod"):
        DEPLOYED.at_aws(gone("unit", "prod"))
    with pytest.raises(ImpossibleError, match="there is no user eve"):
        DEPLOYED.at_aws(gone("user", "eve"))

    assert "prod" not in DEPLOYED.in_yaml(gone("unit", "prod")).yaml.of("unit")


def test_what_goes_takes_with_it_what_aws_takes_away() -> None:
    there = DEPLOYED.at_aws(gone("user", "ana"), gone("policy type", SCP), gone("account", "a4"))

    assert there.aws.things["group", "admins"]["members"] == ()
    assert [(one.key, type) for one, type, _ in there.aws.orphans] == [("Rich ana a3", "USER")]
    assert there.aws.things["policy", "policy-1"]["targets"] == ()
    assert not [one for one in there.aws.of("grant") if one.endswith(" a4")]
    assert there.state is DEPLOYED.state


def test_the_states_have_the_addresses_that_the_stacks_make() -> None:
    contact = {"name": "Sam", "title": "Guard", "email": "sam@example.com", "phone": "+49 30 1234567"}
    there = DEPLOYED.but(
        [control(key) for key in ("trail", "access_analyzer", *SETTINGS)],
        [control("budget", emails=["a@example.com"]), control("alternate_contacts", security=contact)],
        [control("alerts", emails=["a@example.com"]), ram_sharing(), service("ram.amazonaws.com")],
        [service("access-analyzer.amazonaws.com"), service("account.amazonaws.com"), service("iam.amazonaws.com")],
        root_access("RootSessions"),
    )

    for stack, made in addresses(there.zone).items():
        resources = there.states[stack]["resources"]
        assert {f"{one['type']}.{one['name']}" for one in resources if one["mode"] == "managed"} == made, stack


def test_a_command_asks_the_description_instead_of_aws(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    quiet = DEPLOYED.run("drift", "--json", folder=folder)
    by_hand = DEPLOYED.at_aws(changed("policy", "policy-1", document=ALLOW), group("night")).run(
        "drift", "--json", folder=folder
    )

    assert (quiet.exit_code, json.loads(quiet.stdout)["differences"]) == (0, [])
    assert [(one["kind"], one["finding"]) for one in json.loads(by_hand.stdout)["differences"]] == [
        ("group", "made-outside"),
        ("policy", "changed-outside"),
    ]


def test_the_test_that_the_page_shows_passes(tmp_path: Path) -> None:
    (block,) = blocks(CHECKOUT / "CONTRIBUTING.md", "python", "Organizations of tests")
    (tmp_path / "shown.py").write_text(block.text)
    shown = runpy.run_path(str(tmp_path / "shown.py"), {"Path": Path, "json": json})

    shown["test_a_renamed_unit_and_a_user_who_is_gone_are_told"](tmp_path)

    assert len(block.text.splitlines()) < 30


def test_the_emulated_aws_says_the_same_as_the_description(emulated: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are adopted, by the ids of the description; in what order AWS lists things does not matter."""
    emulated.restore()
    for name, value in emulated.environment().items():
        monkeypatch.setenv(name, value)
    made = emulate(SMALL, emulated)
    own = SMALL.model.management_account.model_copy(update={"id": ACCOUNT})
    project, session = SMALL.model.model_copy(update={"management_account": own}), Aws(None, "us-east-1")
    found = configuration(project, read(session, project, thorough=True, once=True))[1]
    said = configuration(SMALL.model, SMALL.inventory)[1]

    for name in said:
        assert sorted(_words(found[name], _ids(made))) == sorted(_words(said[name], {})), name


def _ids(made: Emulated) -> dict[str, str]:
    """Returns the ids of the description by those of the emulated AWS."""
    side, found = SMALL.aws, {made.root: ROOT, center.INSTANCE: INSTANCE, center.STORE: STORE}
    for (kind, key), id in made.ids.items():
        if kind == "membership":
            group_, member = key.split()
            found[id] = side.membership(side.things["group", group_], member)
        else:
            found[id] = key if kind == "gone" else id_of(kind, key)
    return found


def _words(text: str, ids: dict[str, str]) -> list[str]:
    for id in sorted(ids, key=len, reverse=True):
        text = text.replace(id, ids[id])
    return re.findall(r"[^\s,]+", text)
