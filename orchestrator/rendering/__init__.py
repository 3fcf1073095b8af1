"""One report, three renderings: terminal, Markdown, JSON. None of them trusts a string."""
