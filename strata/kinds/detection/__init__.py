"""The kinds of things that the layers of detection make."""

from __future__ import annotations

from strata.kinds.detection.administrator import ADMINISTRATOR
from strata.kinds.detection.archive import ARCHIVE_BUCKET, ARCHIVE_KEY
from strata.kinds.detection.detector import CONFIGURATION, DETECTOR
from strata.kinds.detection.findings import AGGREGATOR, DETECTION_ROLE, FINDINGS_RULE
from strata.kinds.detection.member import WATCHED
from strata.kinds.detection.recorder import CHANNELS, RECORDERS
from strata.kinds.kind import Kind

OF_DETECTION: tuple[Kind, ...] = (
    *(FINDINGS_RULE, DETECTION_ROLE, WATCHED, CONFIGURATION, DETECTOR, ADMINISTRATOR),
    *(AGGREGATOR, *RECORDERS, *CHANNELS),
    *(ARCHIVE_BUCKET, ARCHIVE_KEY),
)
