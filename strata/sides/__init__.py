"""The three sides of a thing: declared in the YAML, recorded in Terraform's states, live at AWS."""
