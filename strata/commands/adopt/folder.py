"""The folder that `strata adopt` writes: new or empty before, and a configuration afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from strata.config import PROJECT
from strata.errors import Message, StrataError
from strata.files.replacing import replace
from strata.outside import refuse_in_use


def check_free(to: Path) -> None:
    """Makes sure that a folder is new or empty, and in no configuration.

    Raises:
        StrataError: it is not.
    """
    refuse_in_use(to)
    around = next((above for above in to.absolute().parents if (above / PROJECT).is_file()), None)
    if around:
        text = f"{to} is inside the configuration {around}; name a folder outside it with --to"
        raise StrataError(Message("folder-in-configuration", text, place=str(to), configuration=str(around)))


def write_new(to: Path, files: Mapping[str, str]) -> None:
    """Writes everything, project.yaml last, so that what a kill cuts off is no configuration.

    Raises:
        StrataError: the folder cannot be written, or others put files there meanwhile.
    """
    refuse_in_use(to)
    replace(to, {}, {PROJECT: files[PROJECT], **files})  # it replaces the last first
