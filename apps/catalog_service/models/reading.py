"""What makes reads fast: the catalogue's version, and the words of its products' names."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models


class CatalogVersion(models.Model):
    """The sum over the rows changes with whatever the public sees of the catalogue (ADR 0021).

    Triggers add to it, in the transaction of the change. Each adds to a row that no other holds,
    or to a new one, so that none waits.
    """

    id = models.BigAutoField(primary_key=True)
    version = models.BigIntegerField()

    class Meta:
        db_table = "catalog_version"

    def __str__(self) -> str:
        return str(self.version)


class SearchWord(models.Model):
    """A word that some product has, for what is misspelt or only begun (ADR 0022)."""

    word = models.CharField(primary_key=True, max_length=100)
    """Lower-case, without accents, of letters alone."""
    lexeme = models.CharField(max_length=100, db_default="")
    """What the word is found by: its stem in the language of the shop."""
    of_name = models.BooleanField(default=True, db_default=True)
    """Whether a name or an attribute has it, or descriptions alone."""

    class Meta:
        db_table = "search_word"
        indexes: ClassVar = [
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="search_word_trigrams"),
            models.Index(
                fields=["word"], opclasses=["text_pattern_ops"], name="search_word_prefix"
            ),
            models.Index(fields=["lexeme"], name="search_word_lexeme"),
        ]

    def __str__(self) -> str:
        return self.word
