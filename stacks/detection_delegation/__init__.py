"""A layer that comes with Strata: who administers detection for the organization, said in the management account."""
