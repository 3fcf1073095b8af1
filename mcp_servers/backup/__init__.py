"""Backup of what a site cannot make again, and its way back."""
