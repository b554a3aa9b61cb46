"""The library from a shell: ``siting run``, ``check``, ``audit``, ``plan``, ``explain`` and more.

The exit status is 0 for success, 2 for bad input or a goal without a plan, 1 for an error of the library, and 130 or
143 after Ctrl-C or SIGTERM (see `siting.interrupt`). The words of help stand in ``help.toml``.
"""

from siting.cli.command import app
from siting.cli.start import main, run

__all__ = ["app", "main", "run"]
