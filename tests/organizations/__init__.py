"""Organizations for tests, each described once: as AWS, as the states and as the YAML have it.

    THERE = Organization(
        unit("prod", "Prod"),
        account("shop", within="prod", name="Shop"),
        user("ana"),
        group("admins", "ana"),
        permission_set("Admin", "AdministratorAccess"),
        grant("Admin", "admins", "management", "shop"),
    )
    drifted = THERE.at_aws(gone("user", "ana"), changed("account", "shop", name="other"), group("night"))

    drifted.run("drift", "--json")   # a command in this process, that asks `drifted` instead of AWS
    drifted.texts, drifted.states, drifted.inventory, drifted.zone

A description that AWS could not have raises `ImpossibleError`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.organizations.answers import Answers
from tests.organizations.described import (
    ALLOW,
    DENY,
    INSTANCE,
    MANAGEMENT,
    ROOT,
    SCP,
    STORE,
    ImpossibleError,
    Said,
    Side,
    Thing,
    account,
    attribute,
    changed,
    control,
    delegated,
    denied,
    described,
    entitlement,
    gone,
    grant,
    group,
    id_of,
    layer,
    no_full_access,
    permission_set,
    policy,
    policy_type,
    ram_sharing,
    require_possible,
    root_access,
    service,
    unit,
    user,
)
from tests.organizations.states import states
from tests.organizations.yaml_folder import project_yaml, texts

if TYPE_CHECKING:
    from typer.testing import Result

    from strata.config.models import Project
    from strata.kinds.at_aws import Inventory
    from strata.landing_zone import LandingZone

__all__ = [
    "ALLOW", "DENY", "INSTANCE", "MANAGEMENT", "ROOT", "SCP", "STORE", "ImpossibleError", "Organization", "Said",
    "Side", "Thing", "account", "attribute", "changed", "control", "delegated", "denied", "entitlement", "gone",
    "grant", "group", "id_of", "layer", "no_full_access", "permission_set", "policy", "policy_type", "ram_sharing",
    "root_access", "service", "unit", "user",
]  # fmt: skip


_PARTS = ("project", "aws", "state", "yaml", "_written", "center", "more")


class Organization:
    """An organization, and what each side has otherwise."""

    def __init__(self, *said: Said, **project: Any) -> None:
        side, self.project = described(*said, **project)
        self.aws = self.state = self.yaml = side
        self._written = cache(partial(texts, side, self.project))
        self.more: Mapping[str, str] = {}
        self.center = self.project.get("center", self.project["primary"])

    # What a side has otherwise

    def at_aws(self, *said: Said) -> Organization:
        """Returns the same with something done by hand at AWS."""
        side = self.aws.with_changes(said)
        require_possible(side)
        return self._with(aws=side)

    def in_state(self, *said: Said) -> Organization:
        """Returns the same with other states, as an earlier deploy left them."""
        return self._with(state=self.state.with_changes(said))

    def in_yaml(self, *said: Said) -> Organization:
        """Returns the same with an edited configuration, which need not be valid."""
        side = self.yaml.with_changes(said)
        return self._with(yaml=side, _written=cache(partial(texts, side, self.project)))

    def but(self, *said: Said) -> Organization:
        """Returns the same with something otherwise on all sides."""
        return self.at_aws(*said).in_state(*said).in_yaml(*said)

    def without_center(self, region: str = "") -> Organization:
        """Returns the same with Identity Center off, or in another region."""
        return self._with(center=region)

    def with_texts(self, texts: Mapping[str, str]) -> Organization:
        """Returns the same with other texts of files, or with more files."""
        return self._with(more={**self.more, **texts})

    def _with(self, **parts: Any) -> Organization:
        other = object.__new__(type(self))
        kept = {name: vars(self)[name] for name in _PARTS}
        vars(other).update({**kept, **parts})
        return other

    # What comes of it

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The files of the configuration."""
        return {**self._written(), **self.more}

    def write(self, folder: Path) -> Path:
        """Writes the configuration."""
        for name, text in self.texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    @property
    def states(self) -> dict[str, dict[str, Any]]:
        """The states by stack, which a test may change."""
        return states(self.state, self.project)

    @cached_property
    def answers(self) -> Answers:
        """AWS, as it answers."""
        return Answers(self.aws, self.project, self.states, self.center)

    @cached_property
    def inventory(self) -> Inventory:
        """What Strata reads of it, thoroughly, and on where something is denied."""
        return self.read(partly=True, thorough=True)

    def read(self, *, thorough: bool = False, partly: bool = False) -> Inventory:
        """Returns what Strata reads of it."""
        from strata.aws.session import Aws
        from strata.inventory.controls import read_controls
        from strata.inventory.reading import read

        project, aws = self.model, Aws(None, self.model.regions.primary)
        with self.answers.asked():
            inventory = read(aws, project, thorough=thorough, partly=partly)
            held: dict[str, Any] = {}
            for one in self.states["security"]["resources"]:
                held.setdefault(one["type"], {})[one["name"]] = one["instances"][0]["attributes"]
            active = [one.id for one in inventory.organization.accounts if one.state == "ACTIVE"]
            found, unread = read_controls(aws, project, held, active)
        return replace(inventory, controls=found, unread={**inventory.unread, **unread})

    @cached_property
    def model(self) -> Project:
        """What project.yaml says."""
        from strata.config.models import Project

        return Project.model_validate(project_yaml(self.yaml, self.project))

    @cached_property
    def zone(self) -> LandingZone:
        """What the configuration means."""
        return _zone(tuple(self.texts.items()))

    def id(self, kind: str, key: str) -> str:
        """Returns the id of a thing at AWS."""
        return self.aws.id(kind, key)

    def run(self, *words: str | Path, folder: Path) -> Result:
        """Runs a command in this process, on a folder, which is written if it is not there."""
        from typer.testing import CliRunner

        from strata.cli import app

        if not folder.exists():
            self.write(folder)
        with self.answers.asked():
            return CliRunner().invoke(app, [*map(str, words), "--config", str(folder)])


@cache
def _zone(files: tuple[tuple[str, str], ...]) -> LandingZone:
    from strata.load import load

    with tempfile.TemporaryDirectory() as folder:
        for name, text in files:
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return load(Path(folder))
