"""The commands of `tierwise-site`. Each imports what it needs when it is called: `--help` is quick."""
