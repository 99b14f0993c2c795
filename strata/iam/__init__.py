"""AWS's own vocabulary for policies: services, actions, condition keys, resource types, managed policies."""
