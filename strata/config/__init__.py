"""The YAML format: parsing, models, types, AWS's limits. Its meaning is in `strata.landing_zone`."""

PROJECT, ORGANIZATION, SECURITY, SSO = "project.yaml", "organization.yaml", "security.yaml", "sso.yaml"
IMPORTS, ACCEPTED, MOVES, EXPECTATIONS = "imports.yaml", "accepted.yaml", "moves.yaml", "expectations.yaml"
BASELINE, DETECTION = "baseline.yaml", "detection.yaml"
"""The files of a configuration."""

OPTIONAL = (IMPORTS, ACCEPTED, MOVES, EXPECTATIONS, BASELINE, DETECTION)
"""Those that a configuration need not have."""

FOLDERS = {ORGANIZATION: "organization", SSO: "sso"}
"""The folders whose files are read with, or instead of, a file of the same name."""

LAYERS = "layers"
"""The folder with a file for each of your own layers."""

ADOPTION = "ADOPTION.md"
"""The page that says what an adopted configuration does not have."""
