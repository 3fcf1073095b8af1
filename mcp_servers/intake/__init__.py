"""Live intake: raw alarms come in over HTTP, syslog and SNMP and are kept before anything else.

Every door ends in the one journal under `alarms/received/`, and everything behind it reads that
journal: what was acknowledged is in a file, so the store can always be rebuilt from files.
"""
