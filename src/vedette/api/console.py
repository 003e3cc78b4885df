"""The console's files: built assets, and the page for every address that is not the API's."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

_MISSING = """<!doctype html><html lang="en"><title>Vedette</title>
<p>The console is not built. Run <code>make console</code> in a checkout, or install a released package.
The REST API is at <code>/api/v1</code>.</p></html>"""


def assets() -> Path | None:
    """The folder of the built console, or None where it is not built."""
    folder = Path(str(resources.files("vedette") / "console_assets"))
    return folder if (folder / "index.html").is_file() else None


def install_console(app: FastAPI, api: str) -> None:
    """Serves the console at every address that the API does not have."""

    @app.get("/{path:path}", include_in_schema=False)
    def page(request: Request, path: str) -> Response:
        if request.url.path.startswith("/api/"):
            raise HTTPException(404)
        folder = assets()
        if folder is None:
            return HTMLResponse(_MISSING, 503)
        try:
            file = (folder / path).resolve()
            held = bool(path) and file.is_relative_to(folder.resolve()) and file.is_file()
        except (OSError, ValueError):  # a name that no file can have: too long, or with a NUL
            raise HTTPException(404) from None
        if held:
            hashed = path.startswith("assets/")
            caching = "public, max-age=31536000, immutable" if hashed else "no-cache"
            return FileResponse(file, headers={"Cache-Control": caching})
        if path.startswith("assets/"):
            raise HTTPException(404)
        return FileResponse(folder / "index.html", headers={"Cache-Control": "no-cache"})
