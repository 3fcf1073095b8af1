"""The placement policy: where may this run, where should it, what does it cost."""
