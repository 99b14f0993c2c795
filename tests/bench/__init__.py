"""Time and memory of what people wait for, against an earlier revision and against earlier runs: `make bench`."""
