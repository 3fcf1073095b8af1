"""The site's own watch: it follows incidents, reports on them here, and tells the cloud half."""
