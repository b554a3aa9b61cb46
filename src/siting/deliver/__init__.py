"""What is handed in: a package of vectors, text, atlas and tables, by rules that a bureau can change, and its check."""
