"""A configuration in files that teams own means the same as one in single files, and each place is in its own file."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.config import FOLDERS, ORGANIZATION, SSO
from strata.config.source import Location
from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.load import load
from strata.rules import warnings
from tests.bad_configurations import read, write
from tests.documents import blocks
from tests.said import Said
from tests.synthesized import CHECKOUT, COMPANY, SHIPPED, Deployment, synthesize

TEAM = """\
# yaml-language-server: $schema=../../strata/schema/sso.json
users:
  grace:
    given_name: Grace
    family_name: Hopper
    email: grace@acme.io

groups:
  shop:
    members:
      - grace

assignments:
  - permission_sets:
      - Dev
    groups:
      - shop
    accounts:
      - shop
  - permission_sets:
      - Dev
    groups:
      - shop
    accounts:
      - audit
    until: 2026-05-01  # the audit of spring
"""


@pytest.fixture(scope="module")
def company_in_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company's configuration, each of the two files split into three and one of them without the single one."""
    folder = tmp_path_factory.mktemp("split") / "config"
    shutil.copytree(COMPANY, folder)
    split(folder, ORGANIZATION, ["organization.yaml", "organization/b.yaml", "organization/c.yaml"])
    split(folder, SSO, ["sso/a.yaml", "sso/b.yaml", "sso/c.yaml"])
    return folder


def split(folder: Path, name: str, files: list[str]) -> None:
    """Deals the entries of each section out to files, those of a list in their order."""
    yaml = YAML()
    data = yaml.load(folder / name)
    (folder / name).unlink()
    parts: list[dict[str, Any]] = [{} for _ in files]
    for section, value in data.items():
        if isinstance(value, dict) and section not in ("region_restriction", "ec2_defaults", "member_root_access"):
            if section not in ("break_glass", "state_access"):
                for index, (key, entry) in enumerate(value.items()):
                    parts[index % len(files)].setdefault(section, {})[key] = entry
                continue
        elif isinstance(value, list):
            for index, entry in enumerate(value):
                parts[index * len(files) // len(value)].setdefault(section, []).append(entry)
            continue
        parts[-1][section] = value
    for file, part in zip(files, parts, strict=True):
        out = io.StringIO()
        yaml.dump(part, out)
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(out.getvalue(), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The valid configuration, with people and assignments of a team in a file of its own."""
    write(tmp_path, read()[0])
    (tmp_path / "sso").mkdir()
    (tmp_path / "sso/shop.yaml").write_text(TEAM)
    return tmp_path


def strata(*words: str, config: Path) -> Result:
    return CliRunner().invoke(app, [words[0], "--config", str(config), *words[1:]])


# The same


def test_split_files_mean_what_the_single_ones_do(company_in_files: Path) -> None:
    one, many = load(COMPANY), load(company_in_files)
    assert (many.project, many.organization, many.sso) == (one.project, one.organization, one.sso)
    assert many.sso.assignments == one.sso.assignments
    assert (dict(many.grants), dict(many.policies)) == (dict(one.grants), dict(one.policies))
    assert sorted(map(text, warnings(many))) == sorted(map(text, warnings(one)))  # they come by file and line


def text(warning: str) -> str:
    """Returns a warning without its place in a file and in a list, which another file may continue."""
    return re.sub(r"\[\d+\]", "[]", warning.split(": ", 1)[1])


def test_split_files_are_synthesized_to_the_same(company_in_files: Path, company: Deployment, tmp_path: Path) -> None:
    made = synthesize(company_in_files, tmp_path)
    assert {name: stack.json for name, stack in made.items()} == {name: one.json for name, one in company.items()}


def test_every_value_is_told_at_its_own_file_and_line(company_in_files: Path) -> None:
    """As a reader of that file alone finds it, whatever stands in the others."""
    zone = load(company_in_files)
    seen = set()
    for name in (ORGANIZATION, SSO):
        for location in entries(zone.source_file(name).data):
            source = zone.source(name, location)
            line = (company_in_files / source.file).read_text(encoding="utf-8").splitlines()[source.line - 1]
            seen.add(source.file)
            assert str(location[-1]) in line if isinstance(location[-1], str) else line.lstrip().startswith("- ")
            assert zone.source_file(name).origin(location)[0].name == source.file
    assert len(seen) == 6


def entries(data: dict[str, Any]) -> Iterator[Location]:
    for section, value in data.items():
        if isinstance(value, dict):
            yield from ((section, key) for key in value)
        elif isinstance(value, list):
            yield from ((section, index) for index in range(len(value)))


def test_the_order_is_the_single_file_and_then_the_names_sorted(folder: Path) -> None:
    (folder / "sso/a.yaml").write_text(
        TEAM[TEAM.index("assignments") :].replace("      - shop\n  -", "      - audit\n  -")
    )
    zone = load(folder)
    places = [zone.source(SSO, ("assignments", index)) for index in range(len(zone.sso.assignments))]
    assert [place.file for place in places] == ["sso.yaml", *["sso/a.yaml"] * 2, *["sso/shop.yaml"] * 2]
    assert (
        zone.source_file(SSO).fault(("assignments", 4, "groups", 0), Message("fine", ""), "").path
        == "assignments[2].groups[1]"
    )


def test_a_folder_alone_is_enough_and_what_is_hidden_or_no_yaml_is_not_read(folder: Path) -> None:
    (folder / "sso.yaml").rename(folder / "sso/platform.yaml")
    (folder / "sso/.shop.yaml.swp").write_text(": [")
    (folder / "sso/.draft.yaml").write_text(": [")
    (folder / "sso/README.md").write_text("Who owns which file.")
    assert sorted(load(folder).users) == ["ada", "grace"]
    assert load(folder).source(SSO, ("users", "ada")) == ("sso/platform.yaml", 2)


def test_the_example_of_the_page_loads(tmp_path: Path) -> None:
    config = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    examples = blocks(CHECKOUT / "docs/edits.md", "yaml", "Files that teams own")
    for name, text in zip((ORGANIZATION, SSO), (block.text for block in examples), strict=True):
        (config / FOLDERS[name]).mkdir()
        (config / FOLDERS[name] / "payments.yaml").write_text(text)
        header = text.splitlines()[0].partition("$schema=")[2]
        assert (
            CHECKOUT / "config" / FOLDERS[name] / header
        ).resolve() == CHECKOUT / f"strata/schema/{FOLDERS[name]}.json"
    units = "organizational_units:\n  workloads:\n  production:\n"
    (config / "organization/units.yaml").write_text(units)
    zone = load(config)
    assert {grant.account for grant in zone.grants if grant.principal == "payments"} == {
        "payments-dev",
        "payments-prod",
    }


# Commands


def test_expire_edits_the_file_that_has_the_entry(folder: Path) -> None:
    single = (folder / "sso.yaml").read_bytes()
    listed = strata("check", "--as-of", "2026-05-02", config=folder)
    assert f"{folder}/sso/shop.yaml:20: " in listed.stdout
    done = strata("expire", "--as-of", "2026-05-02", "--yes", config=folder)
    assert done.exit_code == 0, done.output
    assert (folder / "sso.yaml").read_bytes() == single
    assert (folder / "sso/shop.yaml").read_text() == TEAM[
        : TEAM.index("  - permission_sets:\n", TEAM.index("- shop\n  -"))
    ]


def test_expire_edits_several_files_at_once(folder: Path) -> None:
    entry = TEAM[TEAM.index("  - permission_sets:\n", TEAM.index("- shop\n  -")) :].replace("audit\n", "shop\n")
    with (folder / "sso.yaml").open("a") as file:
        file.write(entry)
    assert strata("expire", "--as-of", "2026-05-02", "--yes", config=folder).exit_code == 0
    assert "until" not in (folder / "sso.yaml").read_text() + (folder / "sso/shop.yaml").read_text()


def test_explain_and_report_name_the_file(folder: Path) -> None:
    explained = strata("explain", "grace", config=folder).stdout
    assert f"{folder}/sso/shop.yaml:3" in explained
    assert f"{folder}/sso/shop.yaml:14" in explained
    data = json.loads(strata("report", "--format", "json", config=folder).stdout)
    assert "sso/shop.yaml:14" in json.dumps(data)


def test_a_difference_reads_the_folders_of_the_revision(folder: Path, said: Said) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "--message", "x")):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    assert "Nothing changes" in strata("report", "--diff", "HEAD", config=folder).output
    (folder / "sso/shop.yaml").unlink()
    shown = strata("report", "--diff", "HEAD", config=folder).output
    assert "group shop" in shown
    assert "user grace" in shown


def test_init_does_not_edit_a_configuration_in_files(folder: Path, said: Said) -> None:
    answers = "--name acme --short-name ac --primary eu-central-1 --secondary eu-west-1 --email a@acme.io"
    more = "--management-id 210987654321 --management-name m --management-email b@acme.io"
    done = strata("init", *f"{answers} {more} --yes".split(), "--admin", "Zoe Ng z@acme.io", config=folder)
    assert done.exit_code == 1
    assert said.ids(done) == ["own-configuration"]


def test_a_landing_zone_knows_each_part_by_its_name(folder: Path) -> None:
    zone: LandingZone = load(folder)
    assert zone.source_file("sso/shop.yaml").file.endswith("/sso/shop.yaml")
    assert zone.source_file("sso.yaml").file.endswith("/sso.yaml")
