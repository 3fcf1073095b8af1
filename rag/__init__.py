"""The knowledge base: tickets and documents, embedded and searched beside the data."""
