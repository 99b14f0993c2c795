"""AWS's policy language: its names, the form and meaning of documents, what a request gets by them; no landing zone."""
