import sys
from pathlib import Path

from contacts.importer import import_contacts
from contacts.store import open_store


def main() -> int:
    count = import_contacts(Path(sys.argv[1]), open_store())
    print(f"{count} contacts imported")
    return 0
