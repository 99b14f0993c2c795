"""The landing zone as AWS has it, under the keys of the configuration, with the evidence that it was read from AWS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from strata.atomic import check_target
from strata.errors import Message, StrataError, UsageError
from strata.outside import refuse_in_configuration


@dataclass(frozen=True)
class Source:
    """Where a report or an answer comes from: the configuration, AWS, or a file that keeps what AWS had.

    Attributes:
        live: reads AWS.
        kept: the file to read instead.
        save: the file that keeps what is read.
    """

    live: bool = False
    kept: Path | None = None
    save: Path | None = None

    def __bool__(self) -> bool:
        return self.live or self.kept is not None

    def check(self, folder: Path, *, as_of: str | None = None, diff: str | None = None) -> None:
        """Refuses options that do not go together, no configuration, and a file that cannot keep a reading.

        Raises:
            UsageError: an option is given beside another, or without it; the file to save is in the configuration.
            StrataError: there is no configuration, which says what things are called; the file cannot be written.
        """
        if self.live and self.kept:
            both = "--live reads AWS, and --from a file of an earlier reading; leave one of them out"
            raise UsageError(Message("arguments-conflict", both, options=["--live", "--from"]))
        if self.save and not self.live:
            alone = "--save keeps what --live reads; add --live, or leave it out"
            raise UsageError(Message("argument-missing", alone, option="--live"))
        if self and diff is not None:
            both = (
                "--diff compares files with a revision, and --live and --from list the differences to the files "
                "anyway; leave one of them out"
            )
            raise UsageError(Message("arguments-conflict", both, options=["--diff", "--live", "--from"]))
        if self and as_of is not None:
            text = "--live and --from take the day on which AWS was read; leave out --as-of"
            raise UsageError(Message("arguments-conflict", text, options=["--as-of", "--live", "--from"]))
        if self and not folder.exists():
            missing = (
                f"{folder} does not exist, and a report of AWS needs the keys of a configuration; name its folder with "
                "--config, or write one from AWS with strata adopt --to DIR, which changes nothing at AWS"
            )
            raise StrataError(Message("no-configuration", missing, place=str(folder)))
        if self.save:
            refuse_in_configuration(self.save, folder, "--save")
            check_target(self.save, "--save")


CONFIGURATION = Source()
"""The files alone; nobody calls AWS."""
