"""The builder of organizations makes one thing of a description for every side."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from strata.aws.session import Aws
from strata.commands.adopt import configuration
from strata.inventory.reading import read
from strata.kinds import addresses
from tests.aws import center
from tests.aws.client import ACCOUNT
from tests.aws.client import Aws as Emulator
from tests.documents import CHECKOUT, blocks
from tests.organizations import INSTANCE, ROOT, STORE, control, id_of, ram_sharing, root_access, service
from tests.organizations.controls import SETTINGS
from tests.organizations.deployed import DEPLOYED
from tests.organizations.emulated import Emulated, emulate
from tests.scenarios.seeds import SMALL


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
    found = configuration(project, read(session, project, thorough=True))[1]
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
