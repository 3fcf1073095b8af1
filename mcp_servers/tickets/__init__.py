"""The tools over ticket history and documents."""
