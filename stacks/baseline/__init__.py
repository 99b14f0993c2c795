"""The layer `baseline`, which baseline.yaml switches on: the settings of member accounts, a stack in each."""
