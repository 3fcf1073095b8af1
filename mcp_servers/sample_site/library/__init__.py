"""Runbooks and vendor notes of the sample site, as Markdown files beside this one."""
