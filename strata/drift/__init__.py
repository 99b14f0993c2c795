"""What differs between the configuration, the states and AWS, and the way back for each difference."""
