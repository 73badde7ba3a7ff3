"""``python -m tidebook`` is ``tidebook``."""

from tidebook.cli import main

if __name__ == "__main__":
    main()
