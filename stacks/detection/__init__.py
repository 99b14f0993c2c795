"""A layer that comes with Strata: detection, as its administrator sets it for all accounts."""
