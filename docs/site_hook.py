"""For MkDocs: what the pages link to outside ``docs/`` becomes part of the site.

On GitHub a page links to files of the whole repository: to the README, a schema, an example. The site has a
copy of each under ``repository/``, so that it is complete by itself, whoever serves it and wherever. Pages of
the project are rendered; a report is shown as its text, because it is written in GitHub's own Markdown.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
COPIES = "repository"

_LINK = re.compile(r"\[(?P<text>[^][]*)\]\((?!\w+:)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside ``docs/`` that a page leads to, over as many links as it takes."""
    waiting = [DOCS / file.src_uri for file in files.documentation_pages()]
    seen = {path.resolve() for path in waiting}
    while waiting:
        page = waiting.pop()
        for link in _LINK.finditer(page.read_text("utf-8")):
            target = _file((page.parent / link["path"]).resolve())
            if target is None or target in seen or DOCS in target.parents:
                continue
            seen.add(target)
            files.append(File.generated(config, _uri(target), abs_src_path=str(target)))
            if _is_page(target):
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Lead the links of a page to the copies.

    One to a folder, which a site has not, leads to the README or the report in it, or is no link.
    """
    source = Path(page.file.abs_src_path or "").resolve()

    def led(link: re.Match[str]) -> str:
        aim = (source.parent / link["path"]).resolve()
        target = _file(aim)
        if target is None:
            return link["text"] if aim.is_dir() else link[0]
        uri = posixpath.relpath(_uri(target), posixpath.dirname(page.file.src_uri) or ".")
        return f"[{link['text']}]({uri}{link['anchor'] or ''})"

    return _LINK.sub(led, markdown)


def _file(target: Path) -> Path | None:
    """The file of the repository that a link leads to."""
    if ROOT not in target.parents:
        return None
    if target.is_dir():
        target = next(
            (target / name for name in ("README.md", "report.html") if (target / name).exists()), target
        )
    return target if target.is_file() else None


def _uri(target: Path) -> str:
    """Where a file of the repository is in the site."""
    if DOCS in target.parents:
        return target.relative_to(DOCS).as_posix()
    uri = f"{COPIES}/{target.relative_to(ROOT).as_posix()}"
    return uri if _is_page(target) or target.suffix != ".md" else f"{uri}.txt"


def _is_page(target: Path) -> bool:
    """Whether it is rendered: the project's own pages, not what a run wrote."""
    return target.suffix == ".md" and target.parent in {ROOT, ROOT / "reports" / "examples"}
