"""The one way out: the gate, what it knows of identifiers, and the record of what left."""
