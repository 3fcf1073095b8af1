"""One process owns a store; every other command becomes its client."""
