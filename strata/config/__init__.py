"""The YAML and what it may say: parsing, models, types, AWS's limits. What it means is in `strata.landing_zone`."""

PROJECT, ORGANIZATION, SECURITY, SSO = "project.yaml", "organization.yaml", "security.yaml", "sso.yaml"
IMPORTS, ACCEPTED, MOVES = "imports.yaml", "accepted.yaml", "moves.yaml"
"""The files of a configuration."""
