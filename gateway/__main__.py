"""``python -m gateway`` is ``tongban``."""

from gateway.beginning import begin, end_of_beginning


def main() -> None:
    """Run the program, which is loaded only then."""
    begin()
    from gateway.cli import main as run  # noqa: PLC0415 - it takes a while

    end_of_beginning()
    run()


if __name__ == "__main__":
    main()
