"""docs/metrics.md names every metric, as the program has it."""

from tests.support.metrics_page import PAGE, render, without_chinese


def test_every_metric_is_in_the_page() -> None:
    """The page has a row for each metric, with its labels and its words, in both languages, and no other row.

    Mend it with ``python -m tests.support.metrics_page``, and write the Chinese.
    """
    page = PAGE.read_text("utf-8")
    assert page == render(page)
    assert without_chinese(page) == []
