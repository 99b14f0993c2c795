"""`make audit` notices a licence that nobody allowed, a vulnerability that nobody accepted, and a silent database."""

from __future__ import annotations

import io
import json
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.terraform.tools import engine
from tests import audit
from tests.documents import CHECKOUT

SILENT = "http://127.0.0.1:1/v1/querybatch"
Edit = Callable[[Path], object]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one package of each kind, both fine: pytest is installed here, left-pad in its own folder."""
    (tmp_path / "requirements").mkdir()
    version = pytest.__version__
    (tmp_path / "requirements/dev.txt").write_text(f"pytest=={version} \\\n    --hash=sha256:00\n")
    write_lock(tmp_path / "package-lock.json", "left-pad", "MIT")
    write_package(tmp_path, {"version": "1.3.0", "license": "MIT"})
    rules = {"allowed": {"MIT": "permissive"}, "spelled": {}, "reviewed": {"PyPI": {}, "npm": {}}, "accepted": {}}
    (tmp_path / audit.RULES).write_text(yaml.safe_dump(rules))
    return tmp_path


def write_package(checkout: Path, metadata: object) -> None:
    file = checkout / "node_modules/left-pad/package.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(metadata))


def write_lock(file: Path, name: str, licence: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    packages = {"": {"name": "strata"}, f"node_modules/{name}": {"version": "1.3.0", "license": licence}}
    file.write_text(json.dumps({"packages": packages}))


def write_distribution(folder: Path, name: str, licence: str) -> Path:
    (folder / f"{name}-1.0.dist-info").mkdir(parents=True)
    (folder / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\nLicense: {licence}\n")
    return folder


def package(**metadata: object) -> Edit:
    """Returns an edit of what left-pad says of itself."""
    return lambda checkout: write_package(checkout, {"version": "1.3.0", **metadata})


def rules(section: str, value: object) -> Edit:
    def edit(checkout: Path) -> None:
        file = checkout / audit.RULES
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), section: value}))

    return edit


def text(name: str, content: str) -> Edit:
    def edit(checkout: Path) -> None:
        (checkout / name).write_text(content)

    return edit


LOCKED = "package-lock.json: node_modules/left-pad: left-pad 1.3.0"
FINE: dict[str, Edit] = {
    "as it is": lambda _: None,
    "one alternative is allowed": package(license="(GPL-3.0-only OR MIT)"),
    "not for this platform": lambda checkout: shutil.rmtree(checkout / "node_modules"),
    "somebody looked at it": lambda checkout: [
        package()(checkout),
        rules("reviewed", {"npm": {"left-pad": "WTFPL"}})(checkout),
    ][0],
}
FAULTS: dict[str, tuple[Edit, str]] = {
    "another licence": (package(license="AGPL-3.0-only"), f"{LOCKED}: licence 'AGPL-3.0-only' is not allowed; "),
    "no licence": (package(), f"{LOCKED}: names no licence; read its licence, and write it below `reviewed.npm` in "),
    "not installed": (
        text("requirements/lock.txt", "no-such-package==1\n"),
        "requirements/lock.txt:1: no-such-package 1: is not installed here; read its licence, and write it below ",
    ),
    "in the environment of cdktn": (
        lambda checkout: [
            text("requirements/cdktn.txt", "left==1.0\n")(checkout),
            write_distribution(checkout / ".venv-cdktn/lib/python3.11/site-packages", "left", "AGPL-3.0-only"),
        ],
        "requirements/cdktn.txt:1: left 1.0: licence 'AGPL-3.0-only' is not allowed; ",
    ),
    "no pin": (text("requirements/dev.txt", "-e git+https://x\n"), "requirements/dev.txt:1: '-e git+https://x' is no "),
    "an unknown section": (rules("denied", {}), "requirements/audit.yaml: denied: extra inputs are not permitted"),
}


def run(capsys: pytest.CaptureFixture[str], checkout: Path, *words: str) -> tuple[int, str, str]:
    arguments = [f"--checkout={checkout}", *(words or (f"--advisories={SILENT}",))]
    code = audit.main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("case", FINE)
def test_an_allowed_licence_passes(checkout: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    FINE[case](checkout)
    code, out, err = run(capsys, checkout)

    assert code == 0
    assert out.startswith("licences: 2 packages: ")
    assert err == f"known vulnerabilities: could not ask {SILENT}: [Errno 111] Connection refused\n"


@pytest.mark.parametrize("case", FAULTS)
def test_what_nobody_allowed_fails(checkout: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    edit, said = FAULTS[case]
    edit(checkout)
    code, _, err = run(capsys, checkout)

    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert line.startswith(f"error: {said}")


@pytest.mark.skipif(engine().folder != CHECKOUT, reason="make audit reads what is installed in .venv")
def test_the_locks_of_this_repository_pass(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, CHECKOUT)

    assert (code, [line for line in err.splitlines() if "error" in line]) == (0, [])
    assert "AGPL" not in out


# Known vulnerabilities


class Database:
    """Answers each question, and remembers the questions."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def urlopen(self, request: urllib.request.Request, timeout: int) -> io.BytesIO:
        assert isinstance(request.data, bytes)
        question = json.loads(request.data)
        self.asked.append(question)
        return io.BytesIO(json.dumps(known(question)).encode())


def known(question: dict[str, Any]) -> dict[str, Any]:
    """Knows of two vulnerabilities of left-pad, the second on a page of its own."""
    results = []
    for one in question["queries"]:
        bad = one["package"] == {"ecosystem": "npm", "name": "left-pad"} and one["version"] == "1.3.0"
        first = {"vulns": [{"id": "GHSA-1"}], "next_page_token": "2"}
        second = {"vulns": [{"id": "GHSA-2"}]}
        results.append({} if not bad else second if one.get("page_token") == "2" else first)
    return {"results": results}


def test_a_known_vulnerability_fails_until_it_is_accepted(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page of an answer is read; the database gets names and versions and nothing else."""
    database, address = Database(), "https://advisories.example/v1/querybatch"
    monkeypatch.setattr(urllib.request, "urlopen", database.urlopen)
    code, out, err = run(capsys, checkout, f"--advisories={address}")

    assert code == 1
    assert f"known vulnerabilities: {address} knows 1 of these versions" in out
    assert err.startswith(
        "error: npm: left-pad 1.3.0: GHSA-1, GHSA-2; update it, or write each id below `accepted` in "
    )
    assert [len(question["queries"]) for question in database.asked] == [2, 1]
    assert all(one.keys() <= {"package", "version", "page_token"} for one in database.asked[0]["queries"])

    rules("accepted", {"GHSA-1": "not reached", "GHSA-2": "not reached"})(checkout)
    assert run(capsys, checkout, f"--advisories={address}", "--strict")[0] == 0
