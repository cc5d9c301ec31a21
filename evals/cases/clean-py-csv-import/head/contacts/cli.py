import sys
from pathlib import Path

from contacts.importer import InvalidFile, import_contacts
from contacts.store import open_store


def main() -> int:
    try:
        result = import_contacts(Path(sys.argv[1]), open_store())
    except InvalidFile as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{result.added} contacts imported")
    for problem in result.problems:
        print(problem, file=sys.stderr)
    return 1 if result.problems else 0
