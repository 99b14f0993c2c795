"""`pipeline/run.sh`, the steps of GitHub's and GitLab's jobs that call it, and what `pipeline/host.py` asks them."""

from __future__ import annotations

import contextlib
import http.server
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from strata.commands.plan import _said as plan_says
from strata.terraform.change_list import ChangeList
from strata.terraform.plans import Plan, PlannedChange
from tests.documents import CHECKOUT
from tests.pipelines import BIN, gitlab, workflow

RUN, HOST = CHECKOUT / "pipeline/run.sh", CHECKOUT / "pipeline/host.py"
LATER = Plan("sso", waits_for=("organizations",))
LIST, OF_STACKS, OF_OUTPUTS = (
    ChangeList.of([*plans, LATER], "123456789012").text
    for plans in (
        [],
        [Plan("security", {"aws_a.b": PlannedChange("delete")})],
        [Plan("organizations", outputs=("account_ids",))],
    )
)
"""The lists of changes of nothing, of a stack, and of outputs."""

STRATA = """#!/bin/sh
printf '%s\\n' "$*" >> "$TOLD/commands"
case "$1" in
  report) echo '# Changes'; exit "${REPORT:-0}" ;;
  plan)
    test "$2" = --changes || exit "${PLANNED:-${CODE:-0}}"
    test -z "$LIST" || printf '%s' "$LIST" > "$3"
    printf '%s\\n' 'list of changes: @octocat' 'sso: 1 change' 'list of changes: 1 resource, sha256 aa'
    test -z "$WITHOUT" || { printf '%s\\n' "$WITHOUT"; exit 1; }
    ;;
  drift) printf '%s\\n' "$SAID"; echo 'error: unread' >&2 ;;
esac
exit "${CODE:-0}"
"""
"""A `strata` that keeps its arguments, and ends as it is told."""


@dataclass
class Runner:
    """A folder of a job, with a `strata` and a `gh` that keep what they are called with."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "bin").mkdir()
        self.install("strata", STRATA)
        (self.folder / "pipeline").symlink_to(CHECKOUT / "pipeline")
        self.environment = {
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "step-summary"),
            "LIST": LIST,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "STRATA": str(self.folder / "bin/strata"),
            "TOLD": str(self.folder),
            "WITHOUT": "",
        }

    def install(self, name: str, text: str) -> None:
        file = self.folder / "bin" / name
        file.write_text(text)
        file.chmod(0o755)

    def runs(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def told(self, name: str = "commands") -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    def out(self, name: str) -> str:
        return (self.folder / "pipeline.out" / name).read_text()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


# The script


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run([BIN / "shellcheck", RUN], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_page_and_help_say_the_same(runner: Runner) -> None:
    """`--help` names each command, option, file and exit code, and so does docs/pipeline.md."""
    said = runner.runs(RUN, "--help").stdout
    page = (CHECKOUT / "docs/pipeline.md").read_text()
    words = {*re.findall(r"--[\w-]+", said), "plan", "deploy", "drift", "summary.md", "changes.json", "drift.txt"}

    assert {*re.findall(r"STRATA\w*", said)} == {"STRATA", "STRATA_CONFIG", "STRATA_OUT"}
    assert [word for word in words if word not in page] == []
    assert re.findall(r"^  (\d) ", said, re.MULTILINE) == [*"012345"]
    assert re.findall(r"^\| (\d) \|", page, re.MULTILINE) == [*"012345"]


@pytest.mark.parametrize(
    "words",
    [
        *("", "destroy", "drift now"),
        *("plan --base", "plan --base ''", "plan --reviewed ''", "plan --apply", "plan --offline --reviewed x"),
        *("deploy", "deploy ''", "deploy a b", "deploy --wave 1", "deploy a --wave ''"),
    ],
)
def test_a_wrong_command_line_runs_nothing(runner: Runner, words: str) -> None:
    """Also an empty argument, which a variable that is not set makes: nothing would be compared."""
    done = runner.runs(RUN, *shlex.split(words))

    assert (done.returncode, done.stdout, runner.told()) == (2, "", [])
    assert done.stderr.startswith("error: ")


def test_a_plan_checks_reports_and_lists(runner: Runner) -> None:
    done = runner.runs(RUN, "plan", "--base", "v 1", "--reviewed", "a list.json", REPORT="3")

    assert done.returncode == 0, done.stderr
    assert runner.told() == [
        "check",
        "report --diff v 1 --format markdown",
        "plan --changes pipeline.out/changes.json --expect a list.json",
    ]
    assert done.stdout.splitlines()[1] == "sso: 1 change"
    assert runner.out("summary.md") == (
        "# Changes\n\n**It widens access, loosens a guardrail or loses something: see above.**\n\n## Plan\n\n"
        "list of changes: 1 resource, sha256 aa\n\n    list of changes: @octocat\n    sso: 1 change\n"
        "    list of changes: 1 resource, sha256 aa\n"
    )


@pytest.mark.parametrize("reviewed", ["out2/changes.json", "./out2/../out2/changes.json", "to-it", "out2/summary.md"])
def test_the_reviewed_list_is_not_lost(runner: Runner, reviewed: str) -> None:
    """It may be the list of an earlier plan, in the place where this one would write its own."""
    out = runner.folder / "out2"
    out.mkdir()
    for name in ("changes.json", "summary.md", "plan.txt"):
        (out / name).write_text(f"{name} of another plan")
    (runner.folder / "to-it").symlink_to("out2/changes.json")

    done = runner.runs(RUN, "plan", "--reviewed", reviewed, STRATA_OUT="out2")

    assert (done.returncode, done.stdout, runner.told()) == (2, "", [])
    assert done.stderr.startswith(f"error: --reviewed {reviewed} would be replaced by this plan; keep it elsewhere\n")
    assert {file.name: file.read_text() for file in out.iterdir()} == {
        name: f"{name} of another plan" for name in ("changes.json", "summary.md", "plan.txt")
    }


def test_without_credentials_there_is_no_plan(runner: Runner) -> None:
    assert runner.runs(RUN, "plan", "--offline").returncode == 0
    assert runner.told() == ["check"]
    assert runner.out("summary.md") == "The configuration has no fault.\n"


@pytest.mark.e2e
@pytest.mark.parametrize(("code", "said"), [("3", "needs a word of --allow; the end"), ("1", "It failed")])
def test_a_plan_ends_as_strata_ends(runner: Runner, code: str, said: str) -> None:
    """The fake `strata` fails from its first command on; check alone passes here."""
    runner.install("strata", STRATA.replace("case", 'test "$1" = check && exit 0\ncase', 1))

    assert runner.runs(RUN, "plan", CODE=code).returncode == int(code)
    assert said in runner.out("summary.md")


def test_a_plan_without_some_accounts_goes_on_and_says_so(runner: Runner) -> None:
    done = runner.runs(RUN, "plan", WITHOUT=WITHOUT)

    assert done.returncode == 5
    assert runner.out("changes.json") == LIST
    what = WITHOUT.removeprefix("  without ").removesuffix(": topics_a, topics_b")
    assert f"**Not in the list: {what}; the log has why.**\n" in runner.out("summary.md")
    assert "It failed" not in runner.out("summary.md")


def test_a_fault_ends_before_the_plan_and_leaves_no_list_of_another_run(runner: Runner) -> None:
    runner.runs(RUN, "plan")

    assert runner.runs(RUN, "plan", CODE="1").returncode == 1
    assert runner.told()[-1] == "check"
    assert not (runner.folder / "pipeline.out/changes.json").exists()


@pytest.mark.parametrize(("code", "text"), [(0, "no drift\n"), (3, "no drift\n"), (1, "no drift\nerror: unread\n")])
def test_what_could_not_be_read_is_in_the_text_of_drift(runner: Runner, code: int, text: str) -> None:
    done = runner.runs(RUN, "drift", CODE=str(code), SAID="no drift")

    assert (done.returncode, done.stdout, done.stderr) == (code, text, "error: unread\n")
    assert (runner.told(), runner.out("drift.txt")) == (["drift"], text)


@pytest.mark.parametrize(
    ("drift", "accounts", "code"), [(0, 0, 0), (0, 3, 3), (3, 0, 3), (0, 1, 1), (3, 1, 1), (1, 3, 1), (1, 0, 1)]
)
def test_what_is_worse_ends_the_drift_of_accounts(runner: Runner, drift: int, accounts: int, code: int) -> None:
    done = runner.runs(RUN, "drift", "--accounts", CODE=str(drift), PLANNED=str(accounts))

    assert done.returncode == code
    assert runner.told() == ["drift", "plan --refresh --exit-code"]
    assert "\n\nevery stack, by a plan that asks AWS:\n" in runner.out("drift.txt")


# The steps that call it


def steps(job: Mapping[str, Any]) -> list[str]:
    """Returns the steps of a job of GitHub that run something, as its shell gets them."""
    return [step["run"] for step in job["steps"] if "run" in step]


_, WITHOUT = plan_says(ChangeList.of([], "123456789012"), ["topics_a", "topics_b"], [])
"""What a plan says of accounts that the list is without."""
GIVEN = {"BASE": "abc123", "REVIEWED": "pipeline.out/reviewed.json", "CODE": "0", "ENDED": "0"}
PLAN = {**GIVEN, "BASE": "", "REVIEWED": ""}
PLANNED = ["check", "plan --changes pipeline.out/changes.json"]
STEPS: dict[str, tuple[str, dict[str, str], list[str], str]] = {
    "check": ("strata", {"BASE": ""}, ["check"], ""),
    "check of a pull request": ("strata", GIVEN, ["check", "report --diff abc123 --format markdown"], ""),
    "plan": ("strata", PLAN, PLANNED, "code=0"),
    "plan with changes": (
        "strata",
        {**GIVEN, "BASE": "", "LIST": OF_STACKS},
        ["check", "plan --changes pipeline.out/changes.json --expect pipeline.out/reviewed.json"],
        "code=0\nchanges=true",
    ),
    "plan with outputs": ("strata", {**PLAN, "LIST": OF_OUTPUTS}, PLANNED, "code=0\nchanges=true"),
    "plan of a list of tomorrow": ("strata", {**PLAN, "LIST": '{"new": [1]}'}, PLANNED, "code=0\nchanges=true"),
    "plan without accounts": (
        "strata",
        {**PLAN, "LIST": OF_STACKS, "WITHOUT": WITHOUT, "ENDED": "5", "DEPLOYS": "true"},
        PLANNED,
        "code=5\nchanges=true",
    ),
    "deploy": ("strata", {}, ["deploy --yes --expect changes.json"], "code=0"),
    "deploy without the accounts": (
        "strata",
        {"WAVES": "2"},
        ["deploy --yes --expect changes.json --wave 0"],
        "code=0",
    ),
    "deploy of a wave": ("wave", {"WAVE": "2"}, ["deploy --yes --expect changes.json --wave 2"], ""),
    "deploy of a round": ("strata", {"CODE": "4"}, ["deploy --yes --expect changes.json"], "code=4"),
    "drift": ("drift", {}, ["drift"], "code=0"),
    "drift of accounts": ("drift", {"WAVES": "1"}, ["drift", "plan --refresh --exit-code"], "code=0"),
}


@pytest.mark.e2e
@pytest.mark.parametrize("case", STEPS)
def test_the_steps_at_github_call_it_as_it_is_called(runner: Runner, case: str) -> None:
    file, given, commands, output = STEPS[case]
    for step in steps(workflow(file)["jobs"][case.split(maxsplit=1)[0]]):
        done = runner.runs("bash", "-e", "-c", step, **given)
        assert done.returncode == 0, done.stderr

    assert runner.told() == commands
    assert "\n".join(runner.told("output")) == output


@pytest.mark.e2e
@pytest.mark.parametrize("code", ["1", "3", "130"])
def test_a_plan_or_deploy_that_is_not_what_was_approved_fails_its_job(runner: Runner, code: str) -> None:
    for job, given in (("plan", PLAN | {"LIST": OF_STACKS}), ("deploy", {})):
        step, *_ = steps(workflow()["jobs"][job])
        assert runner.runs("bash", "-e", "-c", step, **given | {"CODE": code}).returncode != 0
    assert runner.told("output") == [f"code={code}"] * 2


AT_GITLAB: dict[str, tuple[dict[str, str], list[str]]] = {
    "strata-check": ({"CI_MERGE_REQUEST_DIFF_BASE_SHA": "abc"}, ["check", "report --diff abc --format markdown"]),
    "strata-plan": ({"CI_PIPELINE_SOURCE": "web"}, ["check", "plan --changes pipeline.out/changes.json"]),
    "strata-plan after a merge": (
        {"CI_PIPELINE_SOURCE": "push"},
        ["check", "plan --changes pipeline.out/changes.json --expect pipeline.out/reviewed.json"],
    ),
    "strata-deploy": ({"CODE": "4"}, ["deploy --yes --expect pipeline.out/changes.json"]),
    "strata-deploy without the accounts": (
        {"CODE": "0", "STRATA_WAVES": "2"},
        ["deploy --yes --expect pipeline.out/changes.json --wave 0"],
    ),
    "strata-wave-2": (
        {"WAVE": "2"},
        ["deploy --yes --expect pipeline.out/changes.json --wave 2"],
    ),
    "strata-drift": ({"CODE": "3"}, ["drift"]),
    "strata-drift of accounts": (
        {"CODE": "0", "STRATA_WAVES": "1"},
        ["drift", "plan --refresh --exit-code"],
    ),
}


@pytest.mark.e2e
@pytest.mark.parametrize("case", AT_GITLAB)
def test_the_steps_at_gitlab_call_it_as_it_is_called(runner: Runner, case: str) -> None:
    given, commands = AT_GITLAB[case]
    (runner.folder / "pipeline.out").mkdir()
    (runner.folder / "pipeline.out/reviewed.json").write_text(LIST)
    name = case.split(maxsplit=1)[0]
    job, bases = _with_bases(name)
    before = gitlab()[".strata-aws"]["before_script"] if ".strata-aws" in bases else []
    token = {"CI_PIPELINE_ID": "1", "ROLE": "arn:role", "STRATA_TOKEN": "token"}
    told = 'printenv AWS_ROLE_ARN AWS_ROLE_SESSION_NAME > role && cat "$AWS_WEB_IDENTITY_TOKEN_FILE" >> role || true'

    done = runner.runs("bash", "-eo", "pipefail", "-c", "\n".join([*before, *job["script"], told]), **given, **token)

    assert done.returncode == 0, done.stderr
    assert runner.told() == commands
    assert runner.told("role") == (["arn:role", "strata-1", "token"] if before else [])
    codes = [f"STRATA_CODE={given['CODE']}"] if "CODE" in given else []
    assert [*runner.told("deploy.env"), *runner.told("drift.env")] == codes


@pytest.mark.e2e
def test_a_plan_without_some_accounts_is_a_warning_at_gitlab(runner: Runner) -> None:
    job = gitlab()["strata-plan"]
    script = "\n".join(job["script"])

    done = runner.runs("bash", "-eo", "pipefail", "-c", script, CI_PIPELINE_SOURCE="web", WITHOUT=WITHOUT)

    assert done.returncode == job["allow_failure"]["exit_codes"]


def _with_bases(name: str) -> tuple[Mapping[str, Any], list[str]]:
    """Returns a job of GitLab with what it extends, and the names of that."""
    job, bases = gitlab()[name], []
    while base := job.get("extends"):
        bases.append(base)
        job = {**gitlab()[base], **{key: value for key, value in job.items() if key != "extends"}}
        job = {**job, "extends": gitlab()[base].get("extends")}
    return job, bases


# GitHub

GH = f"""#!{sys.executable} -IS
import json, os, sys
words = sys.argv[1:]
text = sys.stdin.read() if "-" in words else ""
with open(f"{{os.environ['TOLD']}}/gh", "a") as file:
    print(json.dumps([words, text]), file=file)
answers = json.loads(os.environ["ANSWERS"])
if words[:2] == ["run", "download"]:
    with open(f"{{words[words.index('--dir') + 1]}}/changes.json", "w") as file:
        file.write(answers["download"])
    sys.exit()
if "refused" in answers:
    sys.exit("HTTP 403: Resource not accessible by integration")
if "raw" in answers:
    sys.exit(sys.stdout.buffer.write(answers["raw"].encode("latin-1")) and 0)
print(json.dumps(answers[words[3]]) if words[3] in answers else "")
"""
"""A `gh` that keeps its arguments and what it reads, and answers as it is told."""
JOB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REF_NAME": "main",
    "GITHUB_REPOSITORY": "acme/landing-zone",
    "GITHUB_RUN_ID": "42",
    "GITHUB_SHA": "c0ffee",
    "GITHUB_WORKFLOW_REF": "acme/landing-zone/.github/workflows/strata.yml@refs/heads/main",
}
RUN_URL = "https://github.com/acme/landing-zone/actions/runs/42"


def _host_module() -> ModuleType:
    """Returns pipeline/host.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("pipeline_host", HOST)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def asks_github(runner: Runner, *words: str, **answers: Any) -> tuple[int, str]:
    """Runs one command of host.py in a job of GitHub; returns how it ended and what it said."""
    runner.install("gh", GH)
    return asks(runner, *words, **JOB, ANSWERS=json.dumps(answers))


def asks(runner: Runner, *words: str, **environment: str) -> tuple[int, str]:
    """Runs one command of host.py in the job that an environment is of."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        patch.chdir(runner.folder)
        for name in [name for name in os.environ if name.startswith(("GITHUB_", "GITLAB_", "CI_"))]:
            patch.delenv(name)
        for name, value in (runner.environment | environment).items():
            patch.setenv(name, value)
        with contextlib.redirect_stderr(out):
            return _host_module().main(words), out.getvalue()


def asked(runner: Runner) -> list[tuple[str, str]]:
    """Returns the methods and paths that `gh` was called with."""
    found = [json.loads(line)[0] for line in runner.told("gh")]
    assert {" ".join(words[:2]) for words in found} == {"api --method"}
    return [(words[2], words[3].removeprefix(HERE)) for words in found]


def written(runner: Runner) -> dict[str, Any]:
    """Returns the last object that `gh` read."""
    found: dict[str, Any] = json.loads(json.loads(runner.told("gh")[-1])[1])
    return found


HERE = "repos/acme/landing-zone/"
ISSUES = f"{HERE}issues?state=open&labels=strata-drift&per_page=100"
FOUND, UNREAD = "Drift: AWS differs", "not be compared"


@pytest.mark.parametrize(
    ("code", "numbers", "calls", "title"),
    [
        ("0", [], [], ""),
        ("0", [9, 7], [("POST", "issues/7/comments"), ("PATCH", "issues/7")], ""),
        ("3", [], [("POST", "issues")], FOUND),
        ("3", [7], [("PATCH", "issues/7")], FOUND),
        ("1", [], [("POST", "issues")], UNREAD),
        ("1", [7], [("PATCH", "issues/7")], UNREAD),
        ("none", [7], [("PATCH", "issues/7")], UNREAD),
    ],
)
def test_one_issue_is_opened_written_anew_or_closed(
    runner: Runner, code: str, numbers: list[int], calls: list[tuple[str, str]], title: str
) -> None:
    """It is closed where everything was read and nothing differs, and never where something could not be read."""
    (runner.folder / "drift.txt").write_text("made outside: user eve\n")
    listed = [*({"number": number} for number in numbers), {"number": 1, "pull_request": {}}]

    ended, _ = asks_github(runner, "issue", code, "drift.txt", **{ISSUES: listed})

    first, *others = asked(runner)
    assert (ended, first, others) == (0, ("GET", ISSUES.removeprefix(HERE)), calls)
    if title:
        assert title in written(runner)["title"]
        assert "\n\n    made outside: user eve\n\n" in written(runner)["body"]
        assert written(runner).get("labels", ["strata-drift"]) == ["strata-drift"]
        assert "state" not in written(runner)
    elif calls:
        assert written(runner) == {"state": "closed"}


@pytest.mark.parametrize(
    "name",
    [
        "$(touch x) `touch x`; ${HOME}",
        "```\n# a heading",
        "::set-output name=code::0",
        "/close",
        "\r/close\u2028/close\x85/close",
        "@octocat <img src=x> [a](http://evil.example) #1",
        "\x1b[31mred",
        "\u202egnp\u2066\u200b",
    ],
)
def test_names_in_the_issue_command_nothing(runner: Runner, name: str) -> None:
    """All of it is in one block of code: each line is indented, and lines end where Markdown sees them end."""
    (runner.folder / "drift.txt").write_text(f"made outside: user {name}\n", newline="")

    assert asks_github(runner, "issue", "3", "drift.txt", **{ISSUES: []})[0] == 0

    text = written(runner)["body"]
    first, _, rest = text.partition("\n\n")
    code, _, last = rest.rpartition("\n\n")
    assert (first, last) == (
        "`strata drift` found these differences.",
        f"The run: {RUN_URL}. The next run that finds nothing closes this issue.\n",
    )
    assert all(line.startswith("    ") for line in code.splitlines())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066]", text)
    assert not (runner.folder / "x").exists()


@pytest.mark.parametrize(
    ("job", "lacking"),
    [
        ({"GITHUB_ACTIONS": "true", "GITHUB_SHA": "c0ffee"}, "GITHUB_REPOSITORY"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": ""}, "GITHUB_REPOSITORY, GITHUB_SHA"),
        ({"GITLAB_CI": "true", "CI_PROJECT_ID": "77"}, "CI_API_V4_URL, CI_COMMIT_SHA"),
    ],
)
@pytest.mark.parametrize("words", [("issue", "3", "drift.txt"), ("reviewed", "reviewed.json"), ("again",)])
def test_a_job_without_its_variables_is_told(
    runner: Runner, job: dict[str, str], lacking: str, words: tuple[str, ...]
) -> None:
    said = f"error: not set: {lacking}; the host sets it in each of its jobs, so run this in one\n"

    assert asks(runner, *words, **job) == (1, said)


PULL = {"merged_at": "2027-01-01T00:00:00Z", "merge_commit_sha": "c0ffee", "head": {"sha": "beef"}}
THE_RUN = {"id": 5, "run_number": 3, "path": ".github/workflows/strata.yml"}
PULLS, ARTIFACTS = f"{HERE}commits/c0ffee/pulls", f"{HERE}actions/runs/5/artifacts?name=changes"
RUNS = f"{HERE}actions/runs?head_sha=beef&event=pull_request&per_page=100"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("pull", "run", "artifact", "found"),
    [
        (PULL, THE_RUN, {"expired": False}, True),
        (PULL, THE_RUN, {"expired": True}, False),
        (PULL, THE_RUN | {"path": ".github/workflows/other.yml"}, {"expired": False}, False),
        (PULL | {"merged_at": None}, THE_RUN, {"expired": False}, False),
        (PULL | {"merge_commit_sha": "f00d"}, THE_RUN, {"expired": False}, False),
    ],
)
def test_the_reviewed_list_is_that_of_the_pull_request_which_this_commit_merged(
    runner: Runner, pull: Any, run: Any, artifact: Any, *, found: bool
) -> None:
    older = THE_RUN | {"id": 4, "run_number": 2}
    answers = {
        PULLS: [pull],
        RUNS: {"workflow_runs": [run] if run != THE_RUN else [older, run]},
        ARTIFACTS: {"artifacts": [artifact]},
        ARTIFACTS.replace("/5/", "/4/"): {"artifacts": []},
        "download": LIST,
    }
    file = runner.folder / "pipeline.out/reviewed.json"
    file.parent.mkdir()
    file.write_text("of another run")

    ended, said = asks_github(runner, "reviewed", "pipeline.out/reviewed.json", **answers)

    assert (ended, file.exists()) == (0, found), said
    assert not found or file.read_text() == LIST


def test_the_next_round_is_another_run_of_the_same_workflow(runner: Runner) -> None:
    assert asks_github(runner, "again")[0] == 0
    assert asked(runner) == [("POST", "actions/workflows/strata.yml/dispatches")]
    assert written(runner) == {"ref": "main"}


@pytest.mark.e2e
@pytest.mark.parametrize("job", ["issue", "reviewed", "next-round"])
def test_the_steps_at_github_call_host_as_it_is_called(runner: Runner, job: str) -> None:
    runner.install("gh", GH)
    (step,) = steps((workflow("drift" if job == "issue" else "strata"))["jobs"][job])
    answers: dict[str, Any] = {ISSUES: [], PULLS: []}

    done = runner.runs("bash", "-e", "-c", step, CODE="", ANSWERS=json.dumps(answers), **JOB)

    assert done.returncode == 0, done.stderr
    assert runner.told("gh")
    assert runner.told("output") == []


# GitLab


class Api:
    """The part of GitLab's API that is asked, on this machine."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.tokens: list[str | None] = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                fields = dict(urllib.parse.parse_qsl(self.rfile.read(size).decode()))
                path = self.path.removeprefix("/api/v4/projects/77/")
                api.calls.append((self.command, path, fields))
                api.tokens.append(self.headers.get("PRIVATE-TOKEN"))
                answer = api.answers.get(path.partition("?")[0], {})
                if isinstance(answer, int):
                    self.send_response(answer)
                    self.send_header("Location", f"http://localhost:{self.server.server_port}/api/v4/projects/77/store")  # type: ignore[attr-defined]
                else:
                    self.send_response(200)
                self.end_headers()
                self.wfile.write(answer.encode() if isinstance(answer, str) else json.dumps(answer).encode())

            do_POST = do_PUT = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "CI_API_V4_URL": f"http://127.0.0.1:{self.server.server_port}/api/v4",
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_SHA": "c0ffee",
            "CI_JOB_TOKEN": "of the job",
            "CI_PIPELINE_URL": "https://gitlab.example.com/run",
            "CI_PROJECT_ID": "77",
            "GITLAB_CI": "true",
            "STRATA_GITLAB_TOKEN": "secret",
        }

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.stop()


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("code", "there", "calls"),
    [
        ("0", [], []),
        ("0", [{"id": 1, "iid": 7}], [("POST", "issues/7/notes"), ("PUT", "issues/7")]),
        ("3", [], [("POST", "issues")]),
        ("3", [{"id": 1, "iid": 7}], [("PUT", "issues/7")]),
        ("1", [{"id": 1, "iid": 7}], [("PUT", "issues/7")]),
    ],
)
def test_one_issue_at_gitlab(runner: Runner, api: Api, code: str, there: Any, calls: Any) -> None:
    api.answers["issues"] = there
    (runner.folder / "drift.txt").write_text("made outside: /close &x=1\n")
    (step,) = gitlab()["strata-issue"]["script"]
    (runner.folder / "pipeline.out").mkdir()
    shutil.move(runner.folder / "drift.txt", runner.folder / "pipeline.out")

    done = runner.runs("bash", "-e", "-c", step, STRATA_CODE=code, **api.environment)

    assert done.returncode == 0, done.stderr
    first, *others = api.calls
    assert first[:2] == ("GET", "issues?state=opened&labels=strata-drift&order_by=created_at&sort=asc&per_page=1")
    assert [call[:2] for call in others] == calls
    assert {*api.tokens} == {"secret"}
    if code != "0":
        assert "\n\n    made outside: /close &x=1\n\n" in others[0][2]["description"]
        assert "state_event" not in others[0][2]
    elif others:
        assert others[-1][2] == {"state_event": "close"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("request_", "pipeline", "artifact", "found"),
    [
        ({"merge_commit_sha": "c0ffee"}, {"project_id": 77}, LIST, True),
        ({"squash_commit_sha": "c0ffee"}, {}, LIST, True),
        ({"merge_commit_sha": "c0ffee"}, {"project_id": 77}, 302, True),
        ({"merge_commit_sha": "c0ffee"}, {"project_id": 77}, 404, False),
        ({"merge_commit_sha": "c0ffee"}, {"project_id": 66}, LIST, False),
        ({"merge_commit_sha": "f00d"}, {"project_id": 77}, LIST, False),
    ],
)
def test_the_reviewed_list_at_gitlab(
    runner: Runner, api: Api, request_: Any, pipeline: Any, artifact: Any, *, found: bool
) -> None:
    """A file may lie in somebody else's store, which does not get the token."""
    jobs = [
        {"id": 7, "name": "strata-plan", "status": "success", "allow_failure": False},
        {"id": 8, "name": "strata-plan", "status": "failed", "allow_failure": True},  # it ended with 5
        {"id": 9, "name": "strata-plan", "status": "failed", "allow_failure": False},
        {"id": 10, "name": "strata-check", "status": "success", "allow_failure": False},
    ]
    api.answers |= {
        "repository/commits/c0ffee/merge_requests": [{"iid": 4, "state": "merged", **request_}],
        "merge_requests/4/pipelines": [{"id": 5, **pipeline}],
        "pipelines/5/jobs": jobs,
        "jobs/8/artifacts/pipeline.out/changes.json": artifact,
        "store": LIST,
    }
    (step,) = gitlab()["strata-reviewed"]["script"]

    done = runner.runs("bash", "-e", "-c", step, **api.environment)

    assert done.returncode == 0, done.stderr
    file = runner.folder / "pipeline.out/reviewed.json"
    assert (file.read_text() if file.exists() else None) == (LIST if found else None)
    assert artifact != 302 or api.tokens[-1] is None


@pytest.mark.e2e
@pytest.mark.parametrize(("code", "calls"), [("4", 1), ("0", 0)])
def test_the_next_round_at_gitlab_is_another_pipeline(runner: Runner, api: Api, code: str, calls: int) -> None:
    (step,) = gitlab()["strata-next-round"]["script"]

    done = runner.runs("bash", "-e", "-c", step, STRATA_CODE=code, **api.environment)

    assert done.returncode == 0, done.stderr
    assert api.calls == [("POST", "trigger/pipeline", {"token": "of the job", "ref": "main"})] * calls


@pytest.mark.e2e
def test_gitlab_without_its_token_or_without_an_answer_is_told(runner: Runner, api: Api) -> None:
    api.answers["issues"] = 403
    (runner.folder / "drift.txt").write_text("x\n")
    words = (sys.executable, HOST, "issue", "3", "drift.txt")

    refused = runner.runs(*words, **api.environment)
    without = runner.runs(*words, **{**api.environment, "STRATA_GITLAB_TOKEN": ""})

    assert (refused.returncode, refused.stderr) == (1, "error: GitLab: GET issues: 403 Forbidden\n")
    assert without.returncode == 1
    assert "STRATA_GITLAB_TOKEN is not set" in without.stderr
