"""The command ``siting``, also as ``python -m siting``."""

from siting.interrupt import interruptible

__all__ = ["main"]


def main() -> None:
    """Run the command line until its end, or a signal."""
    with interruptible() as signals:
        from siting.cli import main as run  # everything else is imported when signals can be answered

        run(signals)


if __name__ == "__main__":
    main()
