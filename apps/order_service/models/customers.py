"""Who orders."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Collate, Lower


class Customer(models.Model):
    """Who to write to: a view of auth's users, kept up to date by its events.

    `sequence` is the number of the event that it is as of, among those of the user.
    """

    user_id = models.UUIDField(primary_key=True)
    email = models.TextField()
    name = models.TextField()
    sequence = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "customer"
        indexes: ClassVar = [
            models.Index(Collate(Lower("email"), "C"), name="customer_email_prefix")
        ]

    def __str__(self) -> str:
        return str(self.user_id)
