"""What only the Makefile calls; it runs from the checkout and is never installed, and nothing of strata/ imports it."""
