"""Readers of every alarm format that the product takes in.

`read_records` turns bytes into one `Alarm`, `NotAnAlarm` or `Rejected` per record, in file order;
`FORMATS` names the readers it can be told to use.
"""

from telecom.formats.reading import NotAnAlarm, Reader, ReadingContext, Record, Rejected
from telecom.formats.registry import FORMATS, read_records, recognise

__all__ = [
    "FORMATS",
    "NotAnAlarm",
    "Reader",
    "ReadingContext",
    "Record",
    "Rejected",
    "read_records",
    "recognise",
]
