"""The entry point of cdktf: writes the Terraform of the configuration."""

from stacks.deployment import main

if __name__ == "__main__":
    main()
