"""`python -m strata` is `strata`."""

from strata.cli import main

main()
