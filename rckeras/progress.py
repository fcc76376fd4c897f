"""Progress of long work: one bar on stderr, the same everywhere."""

import contextlib
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress_bar(
    total: int | None, description: str, wanted: bool = True
) -> Iterator[Callable[[int], None]]:
    """Shows a bar on stderr while a block of code works.

    Args:
        total: Units of work; `None` if not known.
        description: A word or two that stand before the bar.
        wanted: Whether to show it; `False` shows nothing.

    Returns:
        Context manager whose value is a function that takes the units done since
        its last call.

    Example:

    ```python
    with progress_bar(len(files), "reading") as advance:
        for file in files:
            read(file)
            advance(1)
    ```
    """
    if not wanted:
        yield lambda units: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn

    columns = *Progress.get_default_columns(), MofNCompleteColumn()
    rate = TextColumn("{task.fields[rate]}")
    console = Console(stderr=True)
    # Redirected, rows for the standard output would go to the console instead.
    with Progress(*columns, rate, console=console, redirect_stdout=False) as bar:
        task = bar.add_task(description, total=total, rate="")

        def advance(units: int) -> None:
            speed = bar.tasks[0].speed or 0.0
            bar.update(task, advance=units, rate=f"{speed:,.0f}/s")

        yield advance
