"""The landing zone as Terraform: one module per stack. Importing it opens the fast door to the AWS bindings."""

from stacks.aws import install

# Here and not in main.py, so that whoever imports any module of this package gets it, a unit test too.
install()
