"""An owner with a clone of Strata, the landing zone that it deploys, and a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.scenarios.site import Run, Site

PERSON = {f"GIT_{role}_{what}": "owner@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
PERSON |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


class Owner:
    """Somebody with a clone, the landing zone that it deploys, and a terminal."""

    def __init__(self, clone: Path, site: Site) -> None:
        self.clone, self.site = clone, site

    def types(self, words: list[str], **more: str) -> Run:
        kept = {"PYTHONPATH": os.environ["PYTHONPATH"], "STRATA_CONFIG": str(self.clone / "config")}
        environment = {**self.site.environment(), **kept, **PERSON, **more}
        done = subprocess.run(
            words,
            cwd=self.clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def strata(self, *arguments: str) -> Run:
        return self.types([sys.executable, "-m", "strata", *arguments])

    def does(self, *words: str) -> None:
        done = self.types(list(words))
        assert done.code == 0, done.text[-3000:]


def git(folder: Path, *words: str) -> str:
    """Runs git without the settings of whose machine it is, and returns what it printed."""
    done = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **PERSON}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()
