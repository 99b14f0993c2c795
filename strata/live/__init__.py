"""What accounts use, as AWS has counted it."""
