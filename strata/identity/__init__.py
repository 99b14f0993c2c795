"""What a key stands for: declared in the YAML, recorded in the states, live at AWS."""
