"""A layer that comes with Strata: the log archive, in an account of its own."""
