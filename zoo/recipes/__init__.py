"""The experiments: one paper a file, and one for each question on real data."""

import difflib
from fnmatch import fnmatchcase

from zoo.recipes import (
    brown2018,
    encode,
    hawkinshooker2018,
    invivo,
    koo2019,
    shrikumar2017,
    strategies,
)
from zoo.recipes.recipe import Recipe, Row

__all__ = ["Recipe", "Row", "find_recipe", "list_recipes"]

_RECIPES = {
    recipe.name: recipe
    for module in (
        shrikumar2017,
        brown2018,
        hawkinshooker2018,
        koo2019,
        strategies,
        invivo,
        encode,
    )
    for recipe in module.RECIPES
}


def list_recipes(pattern: str = "*") -> list[str]:
    """Names of the recipes.

    Args:
        pattern: Shell-style pattern, such as `"koo*"`.

    Example:

    >>> list_recipes("koo*")
    ['koo2019-table1', 'koo2019-deepsea']
    """
    return [name for name in _RECIPES if fnmatchcase(name, pattern)]


def find_recipe(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        ValueError: If there is none; the message names those with names like it.

    Example:

    >>> len(find_recipe("koo2019-table1").rows)
    17
    """
    if name not in _RECIPES:
        near = difflib.get_close_matches(str(name), _RECIPES, n=3, cutoff=0.5)
        names = near or list(_RECIPES)
        raise ValueError(
            f"No recipe is called {name!r}; there is {', '.join(names)}. See rckeras "
            "reproduce --list"
        )
    return _RECIPES[name]
