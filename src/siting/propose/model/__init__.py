"""From a problem and its tables to the numbers that are solved."""
