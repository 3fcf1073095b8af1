"""The cloud half: investigation, delegation under the placement policy, reasoning."""
