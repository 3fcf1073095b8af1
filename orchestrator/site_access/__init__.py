"""How sites are reached: a client for each, what vouches for it, and what it may be told."""
