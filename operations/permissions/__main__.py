"""Write docs/permissions.md: `make permissions`."""

import sys

from operations.errors import exit_with_one_sentence
from operations.permissions.page import PAGE, not_allowed, not_needed, permissions_page
from operations.permissions.plan import rendered_policies


@exit_with_one_sentence
def main() -> None:
    """Write the page; print to stderr unneeded permissions and needs that no policy grants."""
    rendered = rendered_policies()
    PAGE.write_text(permissions_page(rendered))
    for role, action, resource in not_needed(rendered):
        print(f"Nothing needs this permission: {role} {action} on {resource}", file=sys.stderr)
    for role, need in not_allowed(rendered):
        print(
            f"Needed but not allowed: {role} {need.action} on {need.resource} ({need.place})",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
