"""The engine that lets real Terraform plan and apply the stacks without AWS."""
