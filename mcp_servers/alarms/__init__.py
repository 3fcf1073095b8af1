"""The site's alarms: the store, the desk that folds them, the tools."""
