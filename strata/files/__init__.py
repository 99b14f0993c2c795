"""Files: read with a limit, written beside and renamed; the configuration and the AWS CLI's file, edited in place."""
