"""The kill soak: real orchestrators, killed at any moment, that lose nothing and do nothing twice."""
