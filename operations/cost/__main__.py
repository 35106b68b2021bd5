"""Update the cost table in docs/deploy.md (`make cost-page`)."""

import sys

from operations.cost.page import write_page
from operations.errors import exit_with_one_sentence


@exit_with_one_sentence
def main() -> None:
    """Write the cost table for the default variables to docs/deploy.md."""
    write_page()


if __name__ == "__main__":
    sys.exit(main())
