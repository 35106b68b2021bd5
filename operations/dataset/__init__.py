"""Read ratings in the shapes that people have, and write them in one canonical form.

All of it runs on the operator's machine, before anything is uploaded. `files` and `archives` find
the files that DATA names, `recognise` decides what each of them holds, and `convert` writes
ratings.csv and movies.csv (with tags.csv, links.csv and official test files, where there are any)
and reports what was read, mapped and left out.
"""
