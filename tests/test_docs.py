"""The documentation keeps its word: commands parse, links lead somewhere, YAML is valid, permissions are enough."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from strata.cli import app
from strata.commands.schema import BaselineFile, DetectionFile
from strata.config import BASELINE, DETECTION
from strata.config.accepted import Acceptance
from strata.config.expectations import Expectation
from strata.config.findings import FINDINGS
from strata.config.layers import Deploying
from strata.config.loader import FILES
from strata.config.models import Assignment, Model, Organization, Project, Security, Sso
from strata.config.moves import Move
from strata.errors import ConfigurationError
from strata.load import load
from strata.rules import warnings
from tests.bad_configurations import read as bad_configurations
from tests.bad_configurations import write as write_configuration
from tests.command_line import every_command, group, refusal
from tests.conftest import Golden
from tests.documents import CHECKOUT, PAGES, Block, anchors, blocks, commands, headings, inline, links, with_rows
from tests.scenarios.aws_cli import UnknownLineError, parse
from tests.synthesized import SHIPPED

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
SHELLS = ("", "sh", "bash", "console")
LANGUAGES = {*SHELLS, "yaml", "json", "python", "text", "mermaid"}


# Commands


@every_page
def test_every_strata_command_line_parses(page: Path) -> None:
    """A command or option that does not exist, in a block or in the text, is a page that was forgotten."""
    wrong = [f"{where}: {line}: {why}" for where, line in strata_lines(page) if (why := refusal(line))]

    assert wrong == []


def test_every_command_is_documented() -> None:
    """Whoever reads the pages meets every command."""
    met = {shlex.split(line)[0] for page in PAGES for _, line in strata_lines(page)}

    assert set(group().commands) - met == set()


def strata_lines(page: Path) -> Iterator[tuple[str, str]]:
    """Yields what stands after `strata` wherever it is called, with where."""
    for block in blocks(page):
        for line in commands(block.text) if block.language in (*SHELLS, "yaml") else ():
            # A prompt, or the key of a step in a workflow, stands before some.
            for part in re.split(r"\s*(?:&&|\|\||[|;])\s*", re.sub(r"^(\$|(- )?run:) ", "", line)):
                if called := re.match(r"(?:\S+/)?strata (.+)", part):
                    yield str(block), re.sub(r"\s*>\s*\S+$", "", called[1])
    for code in inline(page):
        if called := re.match(r"(?:\S+/)?strata ([a-z-].*)", code):
            # One word is the name of a command in a sentence, an option at the end stands there without its value.
            word = called[1].rpartition(" ")[2]
            named = word == called[1] or refusal(called[1]) == f"Option {word!r} requires an argument."
            yield page.name, f"{called[1].split()[0]} --help" if named else called[1]


@pytest.mark.parametrize("command", every_command())
def test_help_reads_well(command: str, golden: Golden) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"], terminal_width=80, env={"COLUMNS": "80"})

    assert result.exit_code == 0
    golden(f"help/{command.replace(' ', '-') or 'strata'}.txt", result.stdout)


@every_page
def test_every_aws_command_line_is_known_to_botocore(page: Path) -> None:
    """Services, operations and their parameters are those of AWS's models."""
    wrong = []
    for where, line in aws_lines(page):
        try:
            parse(shlex.split(line))
        except UnknownLineError as error:
            wrong.append(f"{where}: {error}")

    assert wrong == []


@every_page
def test_a_page_that_needs_the_aws_cli_names_it(page: Path) -> None:
    """Strata does not bring it, so whoever follows the page has to have it."""
    assert not list(aws_lines(page)) or "AWS CLI" in page.read_text(encoding="utf-8")


OWN_COMMANDS = ("configure", "sso", "login")
"""What the AWS CLI does besides the operations of services."""


def aws_lines(page: Path) -> Iterator[tuple[str, str]]:
    for block in blocks(page):
        if block.language in SHELLS:
            for line in commands(block.text):
                called = re.match(r"aws (.+)", line)
                if called and called[1].split()[0] not in OWN_COMMANDS:
                    # A quoted document of the shell's is any document.
                    yield str(block), re.sub(r'"\{.*\}"', "'{}'", called[1])


# Every line has somebody who looks at it

TOOLS = ". awk done echo export for gh git grep jq mkdir python rm terraform touch xargs"
"""Commands of the shell and of others; where they stand in a block marked `sh`, a test runs them."""
RUNS = {
    "CONTRIBUTING.md": "tests/test_release.py",
    "coming-from.md": "tests/scenarios/test_coming_from.py",
    "first-deploy.md": "tests/scenarios/test_walkthrough.py",
    "layers.md": "tests/scenarios/test_layer.py",
    "leave.md": "tests/scenarios/test_recover.py",
    "recover.md": "tests/scenarios/test_recover.py",
    "reports.md": "tests/test_docs.py",
    "upgrading.md": "tests/scenarios/test_upgrade.py",
}
"""Pages with blocks marked `sh`, and the test that runs every one of them."""


@every_page
def test_no_line_of_a_shell_escapes(page: Path) -> None:
    """Each is parsed as `strata` or `aws` above, or names stacks and targets that exist, or is a tool that is known."""
    wrong = []
    for block in blocks(page):
        for line in commands(block.text) if block.language in SHELLS else ():
            typed = line.removeprefix("$ ")
            if block.language != "console" or typed != line:
                wrong += [f"{block}: {line}: {why}" for why in unlooked(shlex.split(typed))]

    assert wrong == []


def unlooked(words: list[str]) -> Iterator[str]:
    """Yields why nobody would notice that a line is wrong."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    match words[0].rpartition("/")[2]:
        case "make":
            yield from (f"no target {word}" for word in words[1:] if word not in targets and "=" not in word)
        case "run.sh":
            offered = subprocess.run(
                [CHECKOUT / "pipeline/run.sh", "--help"], capture_output=True, text=True, check=True
            )
            options = [word for word in words[2:] if word.startswith("--")]
            yield from (f"unknown: {word}" for word in (words[1], *options) if f" {word} " not in offered.stdout)
        case "cdktf":
            known = {"deploy", "destroy", "synth", "backend", "organizations", "security", "sso"}
            known |= {"directory", "topics_security", "topics_shared"}
            yield from (
                f"unknown: {word}" for word in words[1:] if word not in known and not word.startswith(("-", "$"))
            )
        case tool if tool not in {"strata", "aws", *TOOLS.split()}:
            yield f"nobody looks at {tool}"


def test_blocks_that_can_be_run_are_run() -> None:
    """A page with a block marked `sh` has a test that types it, page by page."""
    pages = {page.name for page in PAGES if any(block.language == "sh" for block in blocks(page))}

    assert pages == RUNS.keys()
    assert [name for name, test in RUNS.items() if name not in (CHECKOUT / test).read_text(encoding="utf-8")] == []


@every_page
def test_no_block_hides(page: Path) -> None:
    """An indented fence is a block that no test here would see."""
    assert re.findall(r"^ +```.*$", page.read_text(encoding="utf-8"), re.MULTILINE) == []


def test_the_readme_has_the_commands_of_the_first_deploy() -> None:
    """Use it names commands that a scenario runs from docs/first-deploy.md, in the same order."""
    (block,) = blocks(CHECKOUT / "README.md", "", "Use it")
    first = [line for one in blocks(CHECKOUT / "docs/first-deploy.md", "sh") for line in commands(one.text)]
    used = [line for line in commands(block.text) if line.startswith("strata")]

    assert used == [
        "strata init",
        "strata check",
        "strata doctor",
        "strata bootstrap",
        "strata deploy",
        "strata profiles",
    ]
    assert [line for line in dict.fromkeys(first) if line in used] == used
    assert "`cdktf deploy backend organizations security sso`" in (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_the_readme_fits_on_one_screen() -> None:
    """Everything else has a page of its own, which the map by task names."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 70
    assert headings(CHECKOUT / "README.md") == ["Strata", "Try it", "Use it", "Map"]
    assert [name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text) if not (CHECKOUT / name).exists()] == []


def test_explain_prints_the_example_of_the_page() -> None:
    """The block of docs/reports.md is what the template gives."""
    block = next(one for one in blocks(CHECKOUT / "docs/reports.md", "console") if "explain" in one.text)
    command, *lines = block.text.splitlines()
    result = CliRunner().invoke(app, [*shlex.split(command)[2:], "--config", str(SHIPPED)])
    printed = re.sub(r"\S*strata/template/", "config/", result.stdout).splitlines()

    assert printed[: len(lines) - 1] == lines[:-1]


def test_a_pull_request_elsewhere_is_compared_as_written(tmp_path: Path) -> None:
    """The block of docs/reports.md fetches, compares, and writes what a comment would hold."""
    upstream, clone = tmp_path / "upstream", tmp_path / "clone"
    shutil.copytree(SHIPPED, upstream / "config")
    git(upstream, "init", "-q", "-b", "main")
    git(upstream, "add", ".")
    git(upstream, "commit", "-q", "-m", "first")
    git(tmp_path, "clone", "-q", str(upstream), str(clone))
    (block,) = blocks(CHECKOUT / "docs/reports.md", "sh")
    environment = git_environment()
    environment["PATH"] = f"{CHECKOUT / '.venv/bin'}:{environment['PATH']}"

    done = subprocess.run(
        ["sh", "-eu", "-c", block.text], cwd=clone, env=environment, capture_output=True, check=False, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / "changes.md").read_text().startswith("## What changes since origin/main")


# Blocks, links, YAML


@every_page
def test_blocks_say_what_they_are(page: Path) -> None:
    """A fenced block has a language, so that a test knows whether to run, to parse or to leave it."""
    assert {str(block) for block in blocks(page) if block.language not in LANGUAGES} == set()
    assert page.read_text().count("\n```") % 2 == 0


@pytest.mark.parametrize("page", [*PAGES, CHECKOUT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links name a file that is there and, behind a #, a heading of it."""
    broken = []
    for link in links(page):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_messages_name_pages_and_headings_that_exist() -> None:
    """What a command refers to in docs/ is there: a message at night must not lead nowhere."""
    broken = []
    for file in sorted([*CHECKOUT.glob("strata/**/*.py"), *CHECKOUT.glob("stacks/**/*.py")]):
        text = file.read_text(encoding="utf-8")
        for heading, name in re.findall(r"(?:'([A-Z][^'\"]+)' in )?(docs/[\w-]+\.(?:md|json))", text):
            page = CHECKOUT / name
            if not page.exists() or (heading and heading not in headings(page)):
                broken.append(f"{file.name}: {heading!r} in {name}")

    assert broken == []


@every_page
def test_files_of_the_checkout_that_a_page_names_exist(page: Path) -> None:
    """A path in the text leads somewhere; a clone's own layers and configuration need not be there."""
    own = ("stacks/layers/", "tests/own/")
    named = [code for code in inline(page) if re.fullmatch(r"(strata|stacks|tests|docs|pipeline)/[\w./-]+", code)]

    assert [name for name in named if not name.startswith(own) and not (CHECKOUT / name).exists()] == []


def test_the_map_has_every_page() -> None:
    """Whoever starts at docs/README.md finds each page; decisions have a list of their own. A new page replaces one."""
    assert len([*CHECKOUT.glob("docs/*.md")]) <= 28
    for start, pattern in (("docs/README.md", "*.md"), ("docs/decisions/README.md", "*.md")):
        page = CHECKOUT / start
        mapped = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}

        assert set(page.parent.glob(pattern)) - mapped == {page}


def yaml_blocks() -> list[Block]:
    """Returns every block of YAML."""
    return [block for page in PAGES for block in blocks(page, "yaml")]


@pytest.mark.parametrize("block", yaml_blocks(), ids=str)
def test_yaml_is_configuration(block: Block) -> None:
    """Every YAML block fits one of the files: its keys are known and its values have the right shape."""
    from ruamel.yaml import YAML  # keeps `on` a word

    data = YAML(typ="safe", pure=True).load(block.text.replace("...", "example"))
    if isinstance(data, list):
        assert list_problems(data) == []
        return
    fitting = [name for name, known in top_level_keys().items() if set(data) <= known]
    if re.match(r"aws_\w+\.\S+$", next(iter(data))):
        fitting = ["imports.yaml"]

    assert fitting, f"no configuration file has all of {sorted(data)}"
    for name in fitting:
        if not (problems := shape_problems(name, data)):
            return
    pytest.fail("\n".join(problems))


MODELS: dict[str, type[Model]] = {
    "project.yaml": Project,
    "organization.yaml": Organization,
    "security.yaml": Security,
    "sso.yaml": Sso,
    "layers/topics.yaml": Deploying,
    BASELINE: BaselineFile,
    DETECTION: DetectionFile,
}


@cache
def top_level_keys() -> dict[str, set[str]]:
    """Returns the keys of each configuration file."""
    folder = CHECKOUT / "strata/schema"
    schemas = {name: json.loads((folder / name.replace(".yaml", ".json")).read_text()) for name in FILES}
    return {
        **{name: set(one["properties"]) for name, one in schemas.items()},
        "layers/topics.yaml": {*Deploying.model_fields},
        BASELINE: {*BaselineFile.model_fields},
        DETECTION: {*DetectionFile.model_fields},
    }


def shape_problems(name: str, data: dict[str, Any]) -> list[str]:
    """Validates a part of a file: what only a whole file has, required keys at the top, is not asked for."""
    from pydantic import TypeAdapter, ValidationError

    if name == "imports.yaml":
        return [] if all(isinstance(value, str) for value in data.values()) else ["an import id is text"]
    problems = []
    for key, value in data.items():
        fields = MODELS[name].model_fields
        field = next(field for known, field in fields.items() if key in (known, field.alias))
        annotation: Any = field.annotation
        try:
            TypeAdapter(annotation).validate_python(_frozen(value))
        except ValidationError as error:
            problems += [f"{name}: {key}: {fault['loc']}: {fault['msg']}" for fault in error.errors()]
    return problems


LISTS: dict[str, type[Model]] = {
    "finding": Acceptance,
    "kind": Move,
    "permission_sets": Assignment,
    "denied": Expectation,
    "allowed": Expectation,
}
"""The models of entries of lists, by a key that only they have."""
STEP = {"id", "if", "name", "uses", "run", "with", "env"}


def list_problems(entries: list[dict[str, Any]]) -> list[str]:
    """Validates a list: entries of files that are lists, or of assignments, or steps of a GitHub workflow."""
    from pydantic import TypeAdapter, ValidationError

    problems = []
    for entry in entries:
        model = next((model for key, model in LISTS.items() if key in entry), None)
        if model is None:
            problems += [f"a step has no {key}" for key in entry.keys() - STEP]
            continue
        try:
            TypeAdapter(model).validate_python(_frozen(entry))
        except ValidationError as error:
            problems += [f"{fault['loc']}: {fault['msg']}" for fault in error.errors()]
    return problems


def _frozen(value: Any) -> Any:
    """Returns YAML with its lists as the tuples that the models want."""
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value


def test_everything_that_can_be_accepted_is_listed(golden: Golden) -> None:
    page = (CHECKOUT / "docs/messages.md").read_text(encoding="utf-8")
    rows = [f"| `{finding}` | {meaning} |" for finding, meaning in FINDINGS.items()]
    golden("../../docs/messages.md", with_rows(page, "| Finding | Meaning |", rows))


def test_the_example_of_an_accepted_finding_accepts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page shows is what check prints, and its entry silences it."""
    page = CHECKOUT / "docs/messages.md"
    (shown,) = (one for one in blocks(page, "console") if "error: " in one.text)
    (entry,) = blocks(page, "yaml")
    write_configuration(tmp_path, bad_configurations()[0])
    policy = {"Sid": "Lab", "Effect": "Deny", "Action": "*", "Resource": "*"}
    document = f'{{"Version": "2012-10-17",\n"Statement": [\n\n{json.dumps(policy)}]}}'
    (tmp_path / "policies/lab.json").write_text(document)
    organization = (tmp_path / "organization.yaml").read_text()
    (tmp_path / "organization.yaml").write_text(organization.replace("deny-leaving.json", "lab.json"))

    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        load(Path())
    Path("accepted.yaml").write_text(entry.text)

    assert shown.text.splitlines()[1] == f"error: config/{refused.value}"
    assert not [one for one in warnings(load(Path())) if "Lab" in one]


def test_json_blocks_are_json() -> None:
    """Policy documents in the text are documents."""
    for page in PAGES:
        for block in blocks(page, "json"):
            json.loads(block.text)


# Upgrading a clone


def test_upgrading_a_clone_keeps_its_configuration(tmp_path: Path) -> None:
    """The block of docs/upgrading.md merges upstream's code, also when both changed config/, and keeps one's own."""
    upstream, clone = tmp_path / "upstream", tmp_path / "clone"
    (upstream / "config").mkdir(parents=True)
    git(upstream, "init", "-q", "-b", "main")
    (upstream / "tests/own").mkdir(parents=True)
    write(upstream, {"config/project.yaml": "name: example\n", "config/gone.json": "{}\n", "main.py": "1\n"})
    write(upstream, {"tests/own/test_example.py": "1\n"})
    git(upstream, "add", ".")
    git(upstream, "commit", "-q", "-m", "first")
    git(tmp_path, "clone", "-q", "--origin", "upstream", str(upstream), str(clone))
    write(clone, {"config/project.yaml": "name: acme\n", "tests/own/test_example.py": "ours\n"})
    git(clone, "commit", "-q", "-a", "-m", "ours")
    write(upstream, {"config/project.yaml": "name: new\n", "config/new.json": "{}\n", "main.py": "2\n"})
    write(upstream, {"tests/own/test_example.py": "2\n"})
    git(upstream, "rm", "-q", "config/gone.json")
    git(upstream, "add", ".")
    git(upstream, "commit", "-q", "-m", "second")

    block = blocks(CHECKOUT / "docs/upgrading.md", "sh")[0]
    done = subprocess.run(
        ["sh", "-eu", "-c", block.text], cwd=clone, env=git_environment(), capture_output=True, check=False, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / "main.py").read_text() == "2\n"
    assert (clone / "config/project.yaml").read_text() == "name: acme\n"
    assert (clone / "tests/own/test_example.py").read_text() == "ours\n"
    assert sorted(file.name for file in (clone / "config").iterdir()) == ["gone.json", "project.yaml"]
    assert git(clone, "status", "--porcelain") == ""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=git_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def git_environment() -> dict[str, str]:
    """Returns an environment in which git knows nobody's settings."""
    import os

    person = {
        f"GIT_{role}_{what}": "test@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **person}


WORDS = {
    "AWS says, tells or wants": r"\bAWS (?:says|tells|wants)\b",
    "lets go of": r"\blets? go of\b",
    "shall": r"\bshall\b",
    "What ... is": r"(?:^|[.:] )What [a-z][^.?|]* (?:is|are|has|stays|goes)\b[^?|]*(?:[.:]|$)",
    "not nothing": r"\bnot nothing\b",
    "an example's": r"\ban example's\b",
    "nobody's": r"\bnobody's\b",
    "beside living": r"\bbeside living\b",
    "until asked for more": r"\buntil asked\b",
    "done the work": r"\bdone the work\b",
    "shims": r"\bshims?\b",
    "Of a thing, first": r"(?:^|[.:;] )Of [a-z`]",
    "is told, tells": r"\b(?:is|are) told\b(?! apart)|\btells\b",
    "no more": r"\bno more\b(?! than)",
    "hangs on": r"\bhangs? on\b",
    "anew": r"\banew\b",
}
"""Words that readers stumbled over, with their patterns; also a clause as the subject of a sentence."""
READ = [
    *(page for page in PAGES if page.name not in ("CHANGELOG.md", "configuration.md")),
    *sorted((CHECKOUT / "tests/golden").rglob("*.txt")),
]


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_words_that_readers_stumbled_over_are_gone(page: Path) -> None:
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    said = [(number, word) for number, line in lines for word, bad in WORDS.items() if re.search(bad, line)]

    assert said == []
