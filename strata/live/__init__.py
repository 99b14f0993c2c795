"""The landing zone as AWS has it, under the keys of the configuration, with the evidence that it was read from AWS."""
