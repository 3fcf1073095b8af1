"""The cloud half on AgentCore Runtime: the same graph behind `/ping` and `/invocations`."""
