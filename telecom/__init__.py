"""The vocabulary both halves share: alarms, topology, tickets, configuration, evidence, reports.

Names come from ITU-T X.733, 3GPP TS 28.532/28.111, TMF642/TMF621 and ONAP VES. Nothing here does
I/O beyond what it is handed, and nothing here knows which half it runs in.
"""
