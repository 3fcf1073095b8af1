"""The documents of the sample site: runbooks and vendor notes, as Markdown files beside this one."""
