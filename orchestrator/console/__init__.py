"""The NOC console: pages in the cloud half's process, a view on its durable stores."""
