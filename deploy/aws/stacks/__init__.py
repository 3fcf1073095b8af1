"""One module for each stack; a stack reads what another publishes by name, so each stands alone."""
