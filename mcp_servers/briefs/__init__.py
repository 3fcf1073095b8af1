"""How a site makes its briefs better: a small model that rewrites them, a filter that learns."""
