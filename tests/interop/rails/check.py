"""Holds files of rails against other people's programs; says ok, or what is wrong, on standard output.

check.py nacha FILE   ach-file reads the records, works out every count, hash and sum anew, and writes the file again
check.py pain001 FILE the published schema of pain.001.001.09, as sepaxml carries it, by xmlschema
"""

import enum
import sys
from pathlib import Path

import sepaxml
import xmlschema

# ach-file names a method of its enumerations as Python reserves names for itself since 3.11.
is_reserved = enum._is_sunder
enum._is_sunder = lambda name: name != "_create_pseudo_member_" and is_reserved(name)
from ach.files import ACHFileContentsParser  # noqa: E402


def nacha(path):
    text = Path(path).read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if line != "9" * 94]
    records = ACHFileContentsParser("\n".join(lines) + "\n").process_records_list()
    contents = ACHFileContentsParser.convert_records_list_to_ach_file_contents(records, recalc_control_records=True)
    again = [line for line in contents.render_file_contents().splitlines() if line != "9" * 94]
    wrong = [f"line {at + 1}" for at, (ours, theirs) in enumerate(zip(lines, again)) if ours != theirs]
    if len(lines) != len(again):
        wrong.append("another number of lines")
    if len(text.splitlines()) % 10:
        wrong.append("the last block is not full")
    return wrong


def pain001(path):
    schema = Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"
    return [str(error.reason) for error in xmlschema.XMLSchema(schema).iter_errors(path)]


wrong = {"nacha": nacha, "pain001": pain001}[sys.argv[1]](sys.argv[2])
print("ok" if not wrong else "; ".join(wrong))
