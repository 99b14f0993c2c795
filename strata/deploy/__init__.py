"""`strata plan` and `strata deploy`: the situation before a plan, the checks on it, and the run that applies it."""
