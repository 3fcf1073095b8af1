"""`tierwise-site doctor`: whether a site is safe and will still work tomorrow."""
