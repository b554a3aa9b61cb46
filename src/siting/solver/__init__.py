"""HiGHS, and the checks of what it says."""
