"""The YAML and what it may say: parsing, models, types, AWS's limits. What it means is in `strata.landing_zone`."""
