"""The emulated AWS after a demo, kept for the shell that begins where the demo ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.aws.client import Aws


@dataclass(frozen=True)
class Snapshot:
    """What AWS had after the demo of one configuration with one provider."""

    folder: Path
    of: str

    def keep(self, aws: Aws) -> None:
        """Keeps what AWS has now."""
        self._aws.write_bytes(aws.snapshot())
        self._label.write_text(self.of)

    def restored(self, aws: Aws) -> bool:
        """Puts AWS where it was, if that is kept, and says so."""
        if not self._label.exists() or self._label.read_text() != self.of:
            return False
        aws.restore(self._aws.read_bytes())
        return True

    def forget(self) -> None:
        """Keeps nothing any more."""
        self._label.unlink(missing_ok=True)

    @property
    def _aws(self) -> Path:
        return self.folder / "aws.snapshot"

    @property
    def _label(self) -> Path:
        return self.folder / "aws.snapshot.of"
