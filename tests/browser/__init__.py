"""The console as people use it: a real browser at a real `tierwise serve --console`."""
