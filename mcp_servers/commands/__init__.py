"""The commands of `tierwise-site`; each imports its heavy half when it is called."""
