"""A desktop client's way to a site: a bridge from stdio to HTTP, and its bundle."""
