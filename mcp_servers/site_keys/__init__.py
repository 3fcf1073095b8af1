"""The keys that a site makes for itself: how one follows another, and how old each is."""
