"""Requests to any URL: urllib, which follows redirects, trusts the system's certificates and keeps no connection."""

import http.client
import urllib.request
from urllib.error import HTTPError, URLError

from conclab_failure import Refused

PART_BYTES = 1 << 16


def fetch(url):
    """Requests a URL and reads the whole answer; its status."""
    try:
        with urllib.request.urlopen(url) as answer:
            while answer.read(PART_BYTES):
                pass
            return answer.status
    except HTTPError as error:
        raise Refused(f"the server answered with status {error.code}") from None
    except URLError as error:
        raise Refused(f"the request to {url} failed: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Refused(f"the request to {url} failed: {error}") from None
