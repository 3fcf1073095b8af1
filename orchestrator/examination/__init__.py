"""What `tierwise doctor` looks at."""
