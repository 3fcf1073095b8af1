"""The commands of `tierwise`, a file for each group."""
