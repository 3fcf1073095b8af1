"""The kill soak: real orchestrators, killed at any moment, lose nothing and repeat nothing."""
