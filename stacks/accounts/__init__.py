"""The layer `accounts`, which takes part where organization.yaml gives accounts contacts, regions or budgets."""
