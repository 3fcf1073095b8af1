"""Sub-agents: async callables over ports, which never ask where they run.

`agents` imports `telecom` and nothing else of ours. What an agent needs (alarms, tickets,
configuration, a language model) comes in through `agents.ports`; which tier it runs on is decided
by `placement` from the `WorkloadProfile` that it declares.
"""
