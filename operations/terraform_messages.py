"""Read what Terraform prints with -json: one message a line.

https://developer.hashicorp.com/terraform/internals/machine-readable-ui describes the messages.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from operations.commands import failure_lines

type TerraformMessage = Mapping[str, Any]
type Diagnostic = Mapping[str, Any]

# Diagnostics have no codes: a locked state differs from other errors by this summary only. The
# lock's own data are not in the message but in the text of its detail; state_lock.py reads them
# where Terraform keeps them.
STATE_IS_LOCKED = "Error acquiring the state lock"
_MOST_ERRORS = 3


def message_of(line: str) -> TerraformMessage | None:
    """Return the message that a line of output holds, or None for a line of a crash."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "@message" in found else None


def messages(lines: Iterable[str]) -> Iterator[TerraformMessage]:
    """Yield the messages among the lines of the output."""
    for line in lines:
        if (message := message_of(line)) is not None:
            yield message


def in_words(line: str) -> str:
    """Return a line of output for people to read, with its line end.

    Errors and warnings get their place in the configuration and all of their detail.
    """
    message = message_of(line)
    if message is None:
        return line
    words = [str(message["@message"])]
    if diagnostic := message.get("diagnostic"):
        words += [f"  {_place(diagnostic)}", diagnostic.get("detail", "")]
    if "state" in message:  # printed only if Terraform could save the state nowhere
        words.append(json.dumps(message["state"]))
    return "\n".join(part.rstrip() for part in words if part.strip()) + "\n"


def explanation(lines: Sequence[str]) -> str:
    """Return why Terraform failed: its first errors, and how many more there are.

    Without an error among the messages, return the words that most likely explain the failure.
    """
    errors = {  # a dict keeps the order, and each error once
        _sentence(message["diagnostic"]): None
        for message in messages(lines)
        if message.get("type") == "diagnostic" and message["diagnostic"]["severity"] == "error"
    }
    if not errors:
        return failure_lines([in_words(line) for line in lines])
    more = f"; and {len(errors) - _MOST_ERRORS} more" if len(errors) > _MOST_ERRORS else ""
    return "; ".join(list(errors)[:_MOST_ERRORS]) + more


def _sentence(diagnostic: Diagnostic) -> str:
    """Return an error's summary, the first paragraph of its detail, and its place."""
    detail = diagnostic.get("detail", "").partition("\n\n")[0]
    words = ": ".join(filter(None, (diagnostic["summary"], detail)))
    place = _place(diagnostic)
    return " ".join(words.split()) + (f" ({place})" if place else "")


def _place(diagnostic: Diagnostic) -> str:
    """Return the resource and the line that an error is about, as far as they are known."""
    found = diagnostic.get("range")
    line = f"{found['filename']} line {found['start']['line']}" if found else ""
    return ", ".join(filter(None, (diagnostic.get("address", ""), line)))
