"""Why there is no plan, and the smallest changes that would give one."""
