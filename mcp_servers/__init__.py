"""The on-premises half: tool servers beside the data, one egress gate, one owner of the store."""
