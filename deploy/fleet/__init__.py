"""A fleet of sites as data: one YAML for each, rendered on its tier's overlay, in waves."""
