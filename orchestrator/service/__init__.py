"""`tierwise serve`: the long-lived process of the cloud half."""
