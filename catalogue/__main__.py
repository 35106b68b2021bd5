"""Write the embedded catalogue as MovieLens CSV: `python -m catalogue --out DIR`."""

import argparse
import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

from catalogue import MOVIES, taste


def write(folder: Path, users: int = taste.USERS, seed: int = taste.SEED) -> int:
    """Write movies.csv and ratings.csv into the folder and return the number of ratings."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MOVIES, folder / MOVIES.name)
    count = 0
    with (folder / "ratings.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["userId", "movieId", "rating", "timestamp"])
        for given in taste.draw_ratings(taste.films(), users, seed):
            writer.writerow([given.user_id, given.movie_id, given.stars, given.rated_at])
            count += 1
    return count


def main(argv: Sequence[str] | None = None) -> None:
    """Write the files and print the number of ratings.

    `argv` are the arguments, by default those of the process.
    """
    parser = argparse.ArgumentParser(prog="python -m catalogue", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--users", type=int, default=taste.USERS, help="number of invented users")
    parser.add_argument("--seed", type=int, default=taste.SEED)
    arguments = parser.parse_args(argv)
    count = write(arguments.out, arguments.users, arguments.seed)
    print(f"{count} ratings of {arguments.users} invented users in {arguments.out}")


if __name__ == "__main__":
    main()
