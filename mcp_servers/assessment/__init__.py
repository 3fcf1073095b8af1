"""Step one of getting started: what the site holds, in counts and classes."""
