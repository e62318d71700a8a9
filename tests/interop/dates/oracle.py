"""Due dates by another's hand: rules in Billfold's wire form come in, and python-dateutil says on which days they fall.

Standard input is {"from": D, "to": D, "rules": [...], "zones": {"names": [...], "from": EPOCH, "hours": N}}; standard
output is {"dates": [[D, ...], ...], "plain": [[D, ...] or null, ...], "zones": {name: [[D, HOUR], ...]}}. "plain" is
what dateutil says of the same words without what Billfold means differently (see tests/tests/dates.rs).
"""

import json
import sys
from datetime import date, datetime, timedelta, timezone

from dateutil.easter import easter
from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, rrule
from dateutil.zoneinfo import get_zonefile_instance

WEEKDAYS = {"monday": MO, "tuesday": TU, "wednesday": WE, "thursday": TH, "friday": FR, "saturday": SA, "sunday": SU}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def nth(year, month, weekday, place):
    first = datetime(year, month, 1)
    return rrule(MONTHLY, dtstart=first, count=1, byweekday=weekday(place))[0].date()


def monday_after(day):
    return [day, day + timedelta(1)] if day.weekday() == 6 else [day]


def federal_reserve(year):
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    fixed += [date(year, 6, 19)] if year >= 2022 else []
    days = [nth(year, 1, MO, 3), nth(year, 2, MO, 3), nth(year, 5, MO, -1), nth(year, 9, MO, 1), nth(year, 10, MO, 2)]
    return days + [nth(year, 11, TH, 4)] + [day for one in fixed for day in monday_after(one)]


def target2(year):
    sunday = easter(year)
    moving = [sunday - timedelta(2), sunday + timedelta(1)]
    return moving + [date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)]


def england_wales(year):
    sunday = easter(year)
    days = [sunday - timedelta(2), sunday + timedelta(1)]
    days += [nth(year, 5, MO, 1), nth(year, 5, MO, -1), nth(year, 8, MO, -1)]
    for feast in (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)):
        # A feast on a weekend is made up for on the next weekday that is free.
        while feast.weekday() >= 5 or feast in days:
            feast += timedelta(1)
        days.append(feast)
    return days


HOLIDAYS = {"federal_reserve": federal_reserve, "target2": target2, "england_wales": england_wales}
CLOSED = {}


def is_open(calendar, day):
    if calendar == "every_day":
        return True
    key = (calendar, day.year)
    if key not in CLOSED:
        CLOSED[key] = set(HOLIDAYS.get(calendar, lambda year: [])(day.year))
    return day.weekday() < 5 and day not in CLOSED[key]


def rolled(rule, day):
    def step(by):
        moved = day
        while not is_open(rule["calendar"], moved):
            moved += timedelta(by)
        return moved

    roll = rule["roll"]
    if roll == "preceding":
        return step(-1)
    if roll == "following":
        return step(1)
    if roll == "modified_following":
        after = step(1)
        return after if after.month == day.month else step(-1)
    return day


def working_day(rule, month):
    """The n-th open day of the month that this first day begins."""
    days = rrule(DAILY, dtstart=month, until=month + timedelta(31))
    days = [day.date() for day in days if day.month == month.month and is_open(rule["calendar"], day.date())]
    place = rule["nth"]["nth"]
    return days[place - 1] if place > 0 else days[place]


def in_months(rule, clamps):
    """The words that say the day within its month."""
    if rule["nth"]:
        return {"byweekday": WEEKDAYS[rule["nth"]["weekday"]](rule["nth"]["nth"])}
    day = rule["day"] or date.fromisoformat(rule["starts_on"]).day
    if clamps and day > 28:
        # The last of these days that the month has.
        return {"bymonthday": list(range(28, day + 1)), "bysetpos": -1}
    return {"bymonthday": day}


def nominal(rule, until):
    start = datetime.fromisoformat(rule["starts_on"])
    end = min(until, datetime.fromisoformat(rule["ends_on"])) if rule["ends_on"] else until
    every, interval, count = rule["every"], rule["interval"], rule["count"]
    if every == "once":
        return [start.date()]
    if every == "day":
        days = rrule(DAILY, dtstart=start, interval=interval, until=end)
    elif every == "week":
        by = [WEEKDAYS[name] for name in rule["weekdays"]] or None
        # Weeks are counted from the one of the first date.
        first = rrule(WEEKLY, dtstart=start, count=1, byweekday=by, wkst=MO)[0]
        days = rrule(WEEKLY, dtstart=first, interval=interval, byweekday=by or first.weekday(), until=end, wkst=MO)
    elif rule["nth"] and rule["nth"]["of"] == "working_day":
        months = rrule(MONTHLY, dtstart=start.replace(day=1), until=end)
        first = next(month for month in months if working_day(rule, month) >= start.date())
        months = rrule(MONTHLY, dtstart=first, interval=MONTHS[every] * interval, until=end)
        found = [working_day(rule, month) for month in months]
        found = [day for day in found if day <= end.date()]
        return found[:count] if count else found
    else:
        # Months are counted from the one of the first date.
        first = rrule(MONTHLY, dtstart=start, count=1, **in_months(rule, True))[0]
        days = rrule(MONTHLY, dtstart=first, interval=MONTHS[every] * interval, until=end, **in_months(rule, True))
    found = [day.date() for day in days]
    return found[:count] if count else found


def plain(rule, until):
    """The same words as RFC 5545 has them, where they say weekdays or a day of the month."""
    start = datetime.fromisoformat(rule["starts_on"])
    if rule["every"] == "week":
        by = [WEEKDAYS[name] for name in rule["weekdays"]] or None
        days = rrule(WEEKLY, dtstart=start, interval=rule["interval"], byweekday=by, until=until, wkst=MO)
        return [day.date() for day in days]
    if rule["every"] not in MONTHS or rule["nth"]:
        return None
    days = rrule(MONTHLY, dtstart=start, interval=MONTHS[rule["every"]] * rule["interval"], until=until, **in_months(rule, False))
    return [day.date() for day in days]


def main():
    asked = json.load(sys.stdin)
    begin, end = date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"])
    beyond = datetime(end.year, end.month, end.day) + timedelta(15)
    answers = {"dates": [], "plain": [], "zones": {}}
    for rule in asked["rules"]:
        days = sorted({rolled(rule, day) for day in nominal(rule, beyond)})
        answers["dates"].append([str(day) for day in days if begin <= day <= end])
        words = plain(rule, beyond)
        answers["plain"].append(words and [str(day) for day in words if begin <= day <= end])
    zones = asked["zones"]
    for name in zones["names"]:
        zone = get_zonefile_instance().get(name)
        hours = (datetime.fromtimestamp(zones["from"] + 3600 * at, timezone.utc).astimezone(zone) for at in range(zones["hours"]))
        answers["zones"][name] = [[str(there.date()), there.hour] for there in hours]
    json.dump(answers, sys.stdout)


main()
