"""Configuration lookup: what is it set to, and what changed before the first alarm?

Text is stripped of secrets as it is read; nothing above `secret_stripping` ever sees one.
"""
