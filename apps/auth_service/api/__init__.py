"""The API of the auth service: thin views, and what each failure is in HTTP."""

from collections.abc import Mapping
from typing import Final

from rest_framework import status

from apps.auth_service import errors
from chassis.errors import PublicError

ERROR_STATUSES: Final[Mapping[type[PublicError], int]] = {
    errors.LinkInvalid: status.HTTP_400_BAD_REQUEST,
    errors.PasswordUnfit: status.HTTP_400_BAD_REQUEST,
    errors.PasswordWrong: status.HTTP_400_BAD_REQUEST,
    errors.NotFound: status.HTTP_404_NOT_FOUND,
    errors.EmailTaken: status.HTTP_409_CONFLICT,
    errors.OwnAccount: status.HTTP_409_CONFLICT,
    errors.NotAdmin: status.HTTP_403_FORBIDDEN,
    errors.NotStaff: status.HTTP_403_FORBIDDEN,
    errors.CredentialsInvalid: status.HTTP_401_UNAUTHORIZED,
    errors.TokenInvalid: status.HTTP_401_UNAUTHORIZED,
    errors.ClientInvalid: status.HTTP_401_UNAUTHORIZED,
    errors.TooManyAttempts: status.HTTP_429_TOO_MANY_REQUESTS,
}
