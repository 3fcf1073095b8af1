"""Language models that either half may use: the shipped double and OpenAI-compatible servers."""
