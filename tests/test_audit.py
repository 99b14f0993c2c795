"""`make audit` notices a licence that nobody allowed, a vulnerability that nobody accepted, and a silent database."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.terraform.tools import engine
from tests import audit
from tests.documents import CHECKOUT

SILENT = "http://127.0.0.1:1/v1/querybatch"
Edit = Callable[[Path], object]
Answer = Callable[[dict[str, Any]], tuple[int, bytes]]


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
    "another version for other machines": text(
        "requirements/dev.txt", f"pytest==1.0 ; sys_platform == 'none'\npytest=={pytest.__version__}\n"
    ),
    "somebody looked at it": lambda checkout: [
        package()(checkout),
        rules("reviewed", {"npm": {"left-pad": "WTFPL"}})(checkout),
    ][0],
    "another spelling": lambda checkout: [
        package(license="Expat")(checkout),
        rules("spelled", {"Expat": "MIT"})(checkout),
    ][0],
}
FAULTS: dict[str, tuple[Edit, str]] = {
    "another licence": (package(license="AGPL-3.0-only"), f"{LOCKED}: licence 'AGPL-3.0-only' is not allowed; "),
    "brackets inside": (package(license="(MIT OR X) AND (MIT OR Y)"), f"{LOCKED}: licence '(MIT OR X) AND "),
    "no licence": (package(), f"{LOCKED}: names no licence; read its licence, and write it below `reviewed.npm` in "),
    "a command to the terminal": (package(license="\x1b[2J"), f"{LOCKED}: licence '\\x1b[2J' is not allowed; "),
    "another version": (package(license="MIT", version="1.2.0"), f"{LOCKED}: 1.2.0 is installed; run `make dev`"),
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
    "in the lock of cdktn's CLI": (
        lambda checkout: write_lock(checkout / audit.CDKTN_LOCK, "right-pad", "AGPL-3.0-only"),
        f"{audit.CDKTN_LOCK}: node_modules/right-pad: right-pad 1.3.0: licence 'AGPL-3.0-only' is not allowed; ",
    ),
    "no pin": (text("requirements/dev.txt", "-e git+https://x\n"), "requirements/dev.txt:1: '-e git+https://x' is no "),
    "a package.json that is none": (
        lambda one: write_package(one, []),
        "package-lock.json: node_modules/left-pad: its ",
    ),
    "an unknown section": (rules("denied", {}), "requirements/audit.yaml: denied: extra inputs are not permitted"),
    "no YAML": (text(audit.RULES, "a: ["), "requirements/audit.yaml: while parsing"),
    "a review of nothing": (
        rules("reviewed", {"npm": {"gone": "x"}}),
        "requirements/audit.yaml: reviewed.npm.gone: no lock has it; remove the line",
    ),
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
    """A server that answers each question by a function, and remembers the questions."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[dict[str, Any]] = []
        database = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                database.asked.append(question)
                code, body = answer(question)
                self.send_response(code)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1/querybatch"


@pytest.fixture
def database() -> Iterator[Callable[[Answer], Database]]:
    made = []

    def start(answer: Answer) -> Database:
        made.append(Database(answer))
        threading.Thread(target=made[-1].server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return made[-1]

    yield start
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def known(question: dict[str, Any]) -> tuple[int, bytes]:
    """Knows of two vulnerabilities of left-pad, the second on a page of its own."""
    results = []
    for one in question["queries"]:
        bad = one["package"] == {"ecosystem": "npm", "name": "left-pad"} and one["version"] == "1.3.0"
        first = {"vulns": [{"id": "GHSA-1"}], "next_page_token": "2"}
        second = {"vulns": [{"id": "GHSA-2"}]}
        results.append({} if not bad else second if one.get("page_token") == "2" else first)
    return 200, json.dumps({"results": results}).encode()


def test_a_known_vulnerability_fails_until_it_is_accepted(
    checkout: Path, capsys: pytest.CaptureFixture[str], database: Callable[[Answer], Database]
) -> None:
    """Every page of an answer is read; the database gets names and versions and nothing else."""
    server = database(known)
    code, out, err = run(capsys, checkout, f"--advisories={server.address}")

    assert code == 1
    assert f"known vulnerabilities: {server.address} knows 1 of these versions" in out
    assert err.startswith(
        "error: npm: left-pad 1.3.0: GHSA-1, GHSA-2; update it, or write each id below `accepted` in "
    )
    assert [len(question["queries"]) for question in server.asked] == [2, 1]
    assert all(one.keys() <= {"package", "version", "page_token"} for one in server.asked[0]["queries"])

    rules("accepted", {"GHSA-1": "not reached", "GHSA-2": "not reached"})(checkout)
    assert run(capsys, checkout, f"--advisories={server.address}", "--strict")[0] == 0


SILENCES: dict[str, tuple[int, bytes]] = {
    "HTTP Error 405: Method Not Allowed": (405, b"no"),
    "its answer is none of this database": (200, b"<html>sign in</html>"),
    "2 questions have 0 answers": (200, b'{"results": []}'),
    "more than 20 pages of answers": (200, b'{"results": [{"next_page_token": "1"}, {"next_page_token": "1"}]}'),
}


@pytest.mark.parametrize("said", SILENCES)
def test_an_answer_of_no_use_is_none(
    checkout: Path, capsys: pytest.CaptureFixture[str], database: Callable[[Answer], Database], said: str
) -> None:
    """A proxy or a mirror that does not know must not be taken for one that knows of nothing."""
    server = database(lambda _: SILENCES[said])
    code, _, err = run(capsys, checkout, f"--advisories={server.address}", "--strict")

    assert code == 3
    assert err == f"known vulnerabilities: could not ask {server.address}: {said}\n"
