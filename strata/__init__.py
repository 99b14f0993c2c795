"""Strata: the typed configuration of an AWS landing zone and the operator's command."""
