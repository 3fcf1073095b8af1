"""The language model of the Region, behind the port that every analyst uses."""
