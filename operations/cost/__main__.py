"""Write the table of docs/deploy.md again: `python -m operations.cost` (`make cost-page`)."""

import sys

from operations.cost.page import write_page
from operations.errors import exit_with_one_sentence


@exit_with_one_sentence
def main() -> None:
    """Put the table for the default variables into the documents."""
    write_page()


if __name__ == "__main__":
    sys.exit(main())
