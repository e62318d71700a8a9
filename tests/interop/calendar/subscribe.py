"""Reads calendars one after another, as a subscriber does: an event is known by its UID, and a later one of the same
UID replaces it unless its sequence is lower. Writes what the subscriber has in the end."""

import datetime
import json
import sys

from icalendar import Calendar

kept = {}
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        calendar = Calendar.from_ical(file.read())
    told = set()
    for event in calendar.walk("VEVENT"):
        assert not event.errors, event.errors
        uid = str(event["UID"])
        assert uid not in told, f"{uid} twice in {path}"
        told.add(uid)
        start = event.decoded("DTSTART")
        assert type(start) is datetime.date, f"{uid} is no whole day"
        sequence = int(event["SEQUENCE"])
        if uid in kept and sequence < kept[uid]["sequence"]:
            continue
        alarms = [alarm.decoded("TRIGGER") for alarm in event.walk("VALARM")]
        kept[uid] = {
            "sequence": sequence,
            "on": start.isoformat(),
            "summary": str(event["SUMMARY"]),
            "status": str(event["STATUS"]),
            "alarms": [int(alarm.total_seconds()) // 60 for alarm in alarms],
        }
json.dump(kept, sys.stdout)
