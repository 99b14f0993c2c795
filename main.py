"""The entry point of cdktf: writes the Terraform of the configuration."""

import gc

# It ends before there is anything to collect; looking for it takes a fifteenth of its time.
gc.disable()

from stacks.deployment import main  # noqa: E402  # most of the time goes into imports

if __name__ == "__main__":
    main()
