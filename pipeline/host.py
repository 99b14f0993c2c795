#!/usr/bin/env python3
"""Talks to the host of the repository, GitHub or GitLab: the nightly issue, the reviewed list, another round.

It needs Python 3.11 alone, and at GitHub `gh`, which its runners have. docs/pipeline.md says what each job may do.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

LABEL = "strata-drift"
PLAN_JOB = "strata-plan"
"""The job of gitlab-ci.yml that makes the list."""
LIST = "changes.json"
MOST = 60_000
"""The characters of an issue; GitHub takes 65,536."""
SHOWN = 120
"""The characters of an answer that is not understood."""
CLEAN, DRIFT = 0, 3
"""How `strata drift` exits where it could read everything."""

Json = Any


class Refused(Exception):
    """The host cannot be asked, or refuses."""


class Host(Protocol):
    """What is asked of a host."""

    run: str
    """The address of this run."""

    def open_issue(self) -> int | None:
        """Returns the number of the open issue, the oldest where there are several."""

    def create(self, title: str, body: str) -> None:
        """Opens the issue."""

    def update(self, number: int, title: str, body: str) -> None:
        """Writes the issue anew."""

    def close(self, number: int, comment: str) -> None:
        """Closes the issue."""

    def reviewed(self) -> bytes | None:
        """Returns the list that the merged pull request was reviewed with."""

    def again(self) -> None:
        """Starts the pipeline of the branch again."""


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        host = _host(os.environ)
        if given.command == "issue":
            report(host, given.code, given.file)
        elif given.command == "reviewed":
            fetch(host, given.file)
        else:
            host.again()
    except (Refused, OSError) as error:
        print(f"error: {' '.join(_plain(str(error)).split())}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pipeline/host.py", description="Talks to GitHub or GitLab from a pipeline.")
    commands = parser.add_subparsers(dest="command", required=True)
    issue = commands.add_parser("issue", help="open, update or close the issue of drift")
    issue.add_argument("code", help="the exit code of pipeline/run.sh drift; anything but 0 and 3 is a failure")
    issue.add_argument("file", type=Path, help="its drift.txt")
    reviewed = commands.add_parser("reviewed", help="fetch the list of the pull request that was merged")
    reviewed.add_argument("file", type=Path, help="where to write it; there is no file where there is no list")
    commands.add_parser("again", help="start the pipeline again, for the next round")
    return parser


def _host(environment: Mapping[str, str]) -> Host:
    if environment.get("GITHUB_ACTIONS"):
        return GitHub(environment)
    if environment.get("GITLAB_CI"):
        return GitLab(environment)
    raise Refused("this is no job of GitHub (GITHUB_ACTIONS) or GitLab (GITLAB_CI)")


def _given(environment: Mapping[str, str], *names: str) -> list[str]:
    """Returns variables that the host sets in each of its jobs."""
    if lacking := [name for name in names if not environment.get(name)]:
        raise Refused(f"not set: {', '.join(lacking)}; the host sets it in each of its jobs, so run this in one")
    return [environment[name] for name in names]


# Answers


def _parsed(content: bytes, asked: str) -> Json:
    """Returns the JSON of an answer, None where it is empty."""
    try:
        return json.loads(content.decode().strip() or "null")
    except (ValueError, RecursionError) as error:  # of UTF-8 too
        raise _otherwise(asked, content.decode(errors="replace")) from error


def _objects(found: Json, asked: str) -> list[dict[str, Json]]:
    """Returns an answer that is a list of objects."""
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _otherwise(asked, json.dumps(found))
    return found


def _at(found: Json, *path: str) -> Json:
    """Returns a text, a number or the like at a place of an answer."""
    value = found
    for key in path:
        if not isinstance(value, dict) or key not in value:
            raise _otherwise(f"no {'.'.join(path)} in it", json.dumps(found))
        value = value[key]
    return value


def _number(found: Json, key: str) -> int:
    """Returns the number at a place of an answer."""
    value = _at(found, key)
    if not isinstance(value, int):
        raise _otherwise(f"no number in its {key}", json.dumps(found))
    return value


def _otherwise(asked: str, said: str) -> Refused:
    return Refused(f"{asked}: the answer is none of the host's API: {said[:SHOWN]}")


# Drift


def report(host: Host, code: str, file: Path) -> None:
    """Has one issue say what drift said; closes it only where everything was read and nothing differs."""
    number = host.open_issue()
    if code == str(CLEAN):
        if number is not None:
            host.close(number, f"No drift any more: {host.run}")
        print("no drift" if number is None else f"no drift: issue {number} is closed")
        return
    if code == str(DRIFT):
        title, first = "Drift: AWS differs from the configuration", "`strata drift` found these differences."
    else:
        title = "Drift: AWS could not be compared"
        first = "`strata drift` could not read everything, so nobody knows whether something differs. It said:"
    said = file.read_bytes().decode(errors="replace") if file.is_file() and not file.is_symlink() else ""
    text = body(first, said or "nothing: the job ended before", host.run)
    if number is None:
        host.create(title, text)
    else:
        host.update(number, title, text)
    print("the issue is opened" if number is None else f"issue {number} is rewritten")


def body(first: str, said: str, run: str) -> str:
    """Returns the text of the issue; what names of AWS or of the YAML are in it stays code, and commands nothing.

    Indented code ends at a line that is not indented, and there is none: no fence, mention or quick action in it.
    """
    lines = [f"    {line}" for line in _plain(said).split("\n")]
    shown = "\n".join(lines).rstrip()
    if len(shown) > MOST:
        end = shown.rfind("\n", 0, MOST)
        # In the middle of a line where that one is most of the text.
        shown = f"{shown[: end if end > MOST // 2 else MOST]}\n    ... the rest is in the run"
    return f"{first}\n\n{shown}\n\nThe run: {run}. The next run that finds nothing closes this issue.\n"


def _plain(text: str) -> str:
    """Returns text without control characters, those of direction among them, and with one end of lines alone."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", "", text)


# The list


def fetch(host: Host, file: Path) -> None:
    """Writes the list that was reviewed; without one, the approval of the list after the merge decides alone."""
    found = host.reviewed()
    file.unlink(missing_ok=True)
    if found is None:
        print("no list was reviewed with this commit: who approves the deploy reads the list of the plan")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(found)
    print(f"{file}: the list that was reviewed")


class GitHub:
    """GitHub, by its command line tool."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.repository, self.commit = _given(environment, "GITHUB_REPOSITORY", "GITHUB_SHA")
        self.branch = environment.get("GITHUB_REF_NAME", "")
        # acme/landing-zone/.github/workflows/strata.yml@refs/heads/main
        self.workflow = environment.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].removeprefix(f"{self.repository}/")
        server, number = (
            environment.get("GITHUB_SERVER_URL", "https://github.com"),
            environment.get("GITHUB_RUN_ID", ""),
        )
        self.run = f"{server}/{self.repository}/actions/runs/{number}"

    def open_issue(self) -> int | None:
        asked = {"state": "open", "labels": LABEL, "per_page": "100"}
        listed = self._list(f"issues?{urllib.parse.urlencode(asked)}")
        return min((_number(one, "number") for one in listed if "pull_request" not in one), default=None)

    def create(self, title: str, body: str) -> None:
        self._api("POST", "issues", title=title, body=body, labels=[LABEL])

    def update(self, number: int, title: str, body: str) -> None:
        self._api("PATCH", f"issues/{number}", title=title, body=body)

    def close(self, number: int, comment: str) -> None:
        self._api("POST", f"issues/{number}/comments", body=comment)
        self._api("PATCH", f"issues/{number}", state="closed")

    def reviewed(self) -> bytes | None:
        pulls = self._list(f"commits/{self.commit}/pulls")
        merged = [one for one in pulls if one.get("merged_at") and one.get("merge_commit_sha") == self.commit]
        for pull in merged:
            asked = {"head_sha": _at(pull, "head", "sha"), "event": "pull_request", "per_page": "100"}
            runs = self._list(f"actions/runs?{urllib.parse.urlencode(asked)}", "workflow_runs")
            made = [one for one in runs if _at(one, "path") == self.workflow]
            for one in sorted(made, key=lambda run: _number(run, "run_number"), reverse=True):
                if found := self._artifact(_number(one, "id")):
                    return found
        return None

    def again(self) -> None:
        self._api("POST", f"actions/workflows/{Path(self.workflow).name}/dispatches", ref=self.branch)

    def _artifact(self, run: int) -> bytes | None:
        listed = self._list(f"actions/runs/{run}/artifacts?name=changes", "artifacts")
        if all(_at(one, "expired") for one in listed):
            return None
        with tempfile.TemporaryDirectory() as folder:
            _output(
                ["gh", "run", "download", str(run), "--name", "changes", "--dir", folder, "--repo", self.repository]
            )
            file = Path(folder) / LIST
            return file.read_bytes() if file.is_file() and not file.is_symlink() else None

    def _list(self, path: str, *at: str) -> list[dict[str, Json]]:
        """Returns a list of objects that an answer is, or has."""
        return _objects(_at(self._api("GET", path), *at), f"GET {path}")

    def _api(self, method: str, path: str, **fields: Json) -> Json:
        given = ["--input", "-"] if fields else []
        command = ["gh", "api", "--method", method, f"repos/{self.repository}/{path}", *given]
        return _parsed(_output(command, json.dumps(fields) if fields else ""), f"{method} {path}")


def _output(command: Sequence[str], text: str = "") -> bytes:
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise Refused(f"{' '.join(command[:5])}: {said or f'it ended with {done.returncode}'}")
    return done.stdout


class GitLab:
    """GitLab, by its API."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address, self.id, self.commit = _given(environment, "CI_API_V4_URL", "CI_PROJECT_ID", "CI_COMMIT_SHA")
        self.project = f"{address}/projects/{self.id}"
        self.branch, self.run = environment.get("CI_COMMIT_BRANCH", ""), environment.get("CI_PIPELINE_URL", "")
        self.folder = environment.get("STRATA_OUT", "pipeline.out")
        self._token, self._job_token = environment.get("STRATA_GITLAB_TOKEN"), environment.get("CI_JOB_TOKEN", "")

    def open_issue(self) -> int | None:
        asked = {"state": "opened", "labels": LABEL, "order_by": "created_at", "sort": "asc", "per_page": "1"}
        found = self._list(f"issues?{urllib.parse.urlencode(asked)}")
        return _number(found[0], "iid") if found else None

    def create(self, title: str, body: str) -> None:
        self._ask("POST", "issues", title=title, description=body, labels=LABEL)

    def update(self, number: int, title: str, body: str) -> None:
        self._ask("PUT", f"issues/{number}", title=title, description=body)

    def close(self, number: int, comment: str) -> None:
        self._ask("POST", f"issues/{number}/notes", body=comment)
        self._ask("PUT", f"issues/{number}", state_event="close")

    def reviewed(self) -> bytes | None:
        if not self._token:
            return None
        names = ("merge_commit_sha", "squash_commit_sha", "sha")
        for request in self._list(f"repository/commits/{self.commit}/merge_requests"):
            if _at(request, "state") != "merged" or self.commit not in [request.get(name) for name in names]:
                continue
            for one in self._list(f"merge_requests/{_number(request, 'iid')}/pipelines"):
                if str(one.get("project_id", self.id)) == self.id and (found := self._list_of(_number(one, "id"))):
                    return found
        return None

    def again(self) -> None:
        self._send("POST", "trigger/pipeline", {}, {"token": self._job_token, "ref": self.branch})

    def _list_of(self, pipeline: int) -> bytes | None:
        jobs = self._list(f"pipelines/{pipeline}/jobs?per_page=100")
        plans = [one for one in jobs if _at(one, "name") == PLAN_JOB]
        # One that may fail has a list, without accounts that cannot be planned.
        made = [_number(one, "id") for one in plans if _at(one, "status") == "success" or one.get("allow_failure")]
        try:
            return (
                self._send("GET", f"jobs/{max(made)}/artifacts/{self.folder}/{LIST}", self._headers()) if made else None
            )
        except _AbsentError:
            return None

    def _list(self, path: str) -> list[dict[str, Json]]:
        return _objects(self._ask("GET", path), f"GET {path}")

    def _ask(self, method: str, path: str, **fields: str) -> Json:
        return _parsed(self._send(method, path, self._headers(), fields), f"{method} {path}")

    def _headers(self) -> dict[str, str]:
        if not self._token:
            raise Refused("the variable STRATA_GITLAB_TOKEN is not set: a project access token with the scope api")
        return {"PRIVATE-TOKEN": self._token}

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], fields: Mapping[str, str] | None = None
    ) -> bytes:
        data = urllib.parse.urlencode(fields).encode() if fields else None
        try:
            request = urllib.request.Request(f"{self.project}/{path}", data=data, method=method)
        except ValueError as error:
            raise Refused(f"CI_API_V4_URL is no address: {error}") from error
        for name, value in headers.items():
            request.add_unredirected_header(name, value)  # a file lies in a store of somebody else's
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            refused = _AbsentError if error.code == 404 else Refused
            raise refused(f"GitLab: {method} {path.partition('?')[0]}: {error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            raise Refused(f"GitLab does not answer: {error.reason}") from error
        except http.client.HTTPException as error:
            raise Refused(f"GitLab does not answer as a server of HTTP does: {error!r}") from error


class _AbsentError(Refused):
    """There is nothing at this address."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
