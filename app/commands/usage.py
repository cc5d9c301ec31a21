"""Wrong usage of the command line in Quorum's words: one sentence, and where to look."""

import re

from typer.exceptions import TyperException

_WORDS = (
    (r"No such option: (?P<name>\S+)", "There is no option {name}."),
    (r"No such command '(?P<name>.+?)'\.", "There is no command {name}."),
    (r"Missing (?:argument|option) '?(?P<name>[^'.]+)'?\..*", "{name} is missing."),
    (r"Missing command\.", "Name a command."),
    (r"Option '(?P<name>.+?)' requires an argument\.", "{name} needs a value."),
    (r"Option '(?P<name>.+?)' does not take a value\.", "{name} takes no value."),
    (
        r"Got unexpected extra argument\S* \((?P<name>.+)\)",
        "This command takes fewer arguments: remove {name}.",
    ),
    (
        r"Invalid value for '(?P<name>.+?)': (?:Value error, )?'(?P<value>.*)' is not one of (?P<choices>.+?)\.?",
        "{name} cannot be {value}. Use one of {choices}.",
    ),
    (
        r"Invalid value for '(?P<name>.+?)': .* greater than or equal to (?P<low>\d+)",
        "{name} must be {low} or more.",
    ),
    (
        r"Invalid value for '(?P<name>.+?)': .* less than or equal to (?P<high>\d+)",
        "{name} must be {high} or less.",
    ),
    (r"Invalid value for '(?P<name>.+?)': .* valid integer.*", "{name} must be a whole number."),
    (r"Invalid value: (?P<message>.+)", "{message}"),
    (r"Invalid value for '(?P<name>.+?)': (?P<message>.+)", "{name}: {message}"),
)
_GUESS = re.compile(r"\(?(?:Did you mean|Possible options:)")


def explain_usage(error: TyperException) -> str:
    """One or two sentences, and the command that shows the help; nothing if the error has shown the help."""
    message = " ".join(error.format_message().split())
    if not message:
        return ""
    guess = _GUESS.search(message)
    said = _in_own_words(message[: guess.start()].rstrip() if guess else message)
    if guess:
        names = [name.strip(" '") for name in re.split(r",|\bor\b", message[guess.end() :].rstrip("?). "))]
        said += f" Did you mean {' or '.join(filter(None, names))}?"
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "quorum"
    return f"quorum: {said}\nTry `{path} --help`.\n"


def _in_own_words(message: str) -> str:
    for pattern, words in _WORDS:
        if found := re.fullmatch(pattern, message):
            parts = found.groupdict()
            if "choices" in parts:
                parts["choices"] = parts["choices"].replace("'", "")
            return words.format(**{name: (value or "").strip("'") for name, value in parts.items()})
    return message if message.endswith(".") else f"{message}."
