"""The landing zone as Terraform: a module for each stack. Importing it makes the AWS bindings load lazily."""

from stacks.bindings import install_lazy_bindings
from stacks.cdktn_alias import serve_cdktf_names

# Here and not in main.py, so that whoever imports any module of this package gets it, a unit test too.
serve_cdktf_names()
install_lazy_bindings()
