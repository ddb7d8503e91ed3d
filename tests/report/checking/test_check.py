"""Whether a report can be filed."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cli import deciding
from repro.report import markdown, template
from repro.report.checking import secret_signs
from repro.report.checking.check import problems
from repro.report.deciding import decision
from repro.report.fitting import LIMIT
from repro.resources import issue_template
from tests.report.conftest import Run

WRITTEN = "BEGIN goes to another connection than COMMIT."
EXAMPLES = Path(__file__).parents[3] / "reports" / "examples"
SECRET = "corr3ct h*rse/battery"


def of(text: str, **more: object) -> list[str]:
    return [f"{each.line} {each.what}" for each in problems(text, **more)]  # type: ignore[arg-type]


@pytest.fixture(params=["healthy", "origin", "mishaps"])
def report(request: pytest.FixtureRequest) -> str:
    run: Run = request.getfixturevalue(request.param)
    return markdown.render(run.document, run.events, issue_template())


def test_a_report_as_it_is_made_lacks_its_summary_and_nothing_else(report: str) -> None:
    assert of(report) == ["3 the summary is not written"]


def test_with_the_summary_it_is_ready(report: str) -> None:
    assert of(report.replace(template.SUMMARY, WRITTEN)) == []


def test_a_form_filled_by_hand_tells_every_place_that_is_left() -> None:
    found = of(issue_template())
    assert len(found) == issue_template().count("<!-- txrepro:")
    assert "the summary is not written" in "\n".join(found)


def test_a_mark_of_an_upstreams_form_is_told() -> None:
    told = "the place for what only you know is not filled"
    assert of("a <!-- txrepro:fill yes or no. --> b\n") == [f"1 {told}: yes or no"]
    assert of("a <!-- txrepro:fill --> b\n") == [f"1 {told}"]


def test_each_place_is_told_with_its_own_hint() -> None:
    text = "a <!-- txrepro:fill its\nversion -->\n<!-- txrepro:fill how it was installed -->\n"
    assert [each.partition(": ")[2] for each in of(text)] == ["its version", "how it was installed"]


def test_a_hint_is_short_and_moves_no_cursor() -> None:
    (found,) = of(f"a <!-- txrepro:fill \u202e\x1b[31m{'x' * 5_000} -->\n")[:1]
    assert len(found) < 300
    assert found.isprintable()


@pytest.mark.parametrize("begun", [SECRET, base64.b64encode(SECRET.encode()).decode(), "password=hunter2"])
def test_a_secret_that_somebody_wrote_into_a_mark_is_not_said(begun: str) -> None:
    found = problems(f"a <!-- txrepro:fill the settings {begun} -->\n", secrets=[SECRET])
    assert len(found) == 2
    assert not any(begun in each.what for each in found)


def test_a_body_that_belongs_elsewhere_is_told_as_such_and_not_as_a_place_to_fill() -> None:
    text = "<!-- txrepro:stop nothing that failed in this run is of it: do not file this there -->\n"
    why = "nothing that failed in this run is of it: do not file this there"
    assert of(text + "\nIt fails.\n") == [f"1 is marked as nothing to file there, or not yet: {why}"]


@pytest.mark.parametrize(
    "body",
    [
        *("", "<!-- later -->", "n/a", "n/a.", "N/A", "…", "-", "- ", "<br>", "![](x)", "_No response_"),
        *("![what](x.png) <!-- a\nb -->", "**none**.", "<p></p>\n\n---"),
    ],
)
@pytest.mark.parametrize(
    "heading", ["## Summary", "### Describe the bug", "**Description**", "## Summary ##", "Summary\n======="]
)
def test_deleting_the_mark_is_no_summary(heading: str, body: str) -> None:
    assert len(of(f"{heading}\n\n{body}\n\n## Next\n\ntext\n")) == 1
    assert of(f"{heading}\n\n{WRITTEN}\n\n## Next\n\ntext\n") == []


def test_a_sentence_in_code_is_a_summary() -> None:
    assert of("## Summary\n\n`begin` fails\n") == []
    assert of("## Summary\n\n```\nbegin fails\n```\n") == ["1 nothing is written below “Summary”"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n\n```text\nnever ended\n", 3),
        ("````\n```\n", 1),
        ("```\n~~~\n", 1),
        ("~~~\n``` \n~~\n", 1),
        ("```\n    ```\n", 1),
        ("```\n``` text\n", 1),
    ],
)
def test_a_fence_that_is_never_closed_is_found_where_it_begins(text: str, line: int) -> None:
    assert of(text) == [f"{line} begins a block of code that never ends"]


@pytest.mark.parametrize(
    "text",
    ["```\na\n```\n", "````\n```\n````\n", "~~~a`b\n```\n~~~~\n", "``` a`b\ntext", "```\nx\n   ```  \n"],
)
def test_a_fence_that_is_closed_is_fine(text: str) -> None:
    assert of(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<details>\n", ["1 begins a fold that never ends"]),
        ("x\n</details>\n", ["2 ends a fold that was never begun"]),
        ("<details><details>\n</details>\n", ["1 begins a fold that never ends"]),
        ("`<details>`\n", []),
        ("<details><summary>a</summary>\n\nb\n\n</details>\n", []),
    ],
)
def test_folds_are_counted(text: str, expected: list[str]) -> None:
    assert of(text) == expected


def test_the_size_is_that_which_github_counts() -> None:
    assert of("x" * LIMIT) == []
    assert len(of("x" * (LIMIT + 1))) == 1
    assert len(of("\U0001f600" * (LIMIT // 2 + 1))) == 1


@pytest.mark.parametrize(
    "how",
    [
        str,
        lambda s: s.replace("*", "%2A").replace("/", "%2F").replace(" ", "%20"),
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: s.encode().hex(),
    ],
)
def test_a_known_secret_is_found_in_every_form_and_never_said(how: Callable[[str], str]) -> None:
    found = problems(f"fine\n\n    x {how(SECRET)} y\n", secrets=[SECRET])
    assert [each.line for each in found] == [3]
    assert SECRET not in repr(found)
    assert how(SECRET) not in repr(found)


@pytest.mark.parametrize("written", ["aHVudGVyMg==", "aHVudGVyMg", "68756e74657232"])
def test_a_short_known_secret_is_found_in_base64_and_hex_as_a_whole_word(written: str) -> None:
    assert of(f"fine\n\n    x={written}\n", secrets=["hunter2"]) == ["3 holds a known secret"]
    assert of(f"fine\n\n    x=a{written}b\n", secrets=["hunter2"]) == []


def test_a_known_secret_across_lines_is_found() -> None:
    assert of("corr3ct\nh*rse/battery\n", secrets=[SECRET]) == ["1 holds a known secret across several lines"]


@pytest.mark.parametrize(
    "line",
    [
        "postgresql://app:hunter2hunter2@db.test/app",
        "UPSTASH_REDIS_REST_TOKEN=AX8fASQgNzI4",
        "Authorization: Bearer AX8fASQgNzI4ZDk0",
        "-----BEGIN RSA PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
        "npg_a1B2c3D4e5F6",
        "AX8fASQgNzI4ZDk0LTRmYjEtNDI1YS1iZjBm",
        "AXxxAAIncDE4ZmQ2NzY0YzQ0MzA0OTQ4OWY5",
        "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl0",
        *("password: x", "  password: 'hunter2'  # of the lab", "- db_password: hunter2", "PGPASSWORD=x"),
        *(
            "export PGPASSWORD=hunter2",
            '{"password": "x"}',
            "{'token': 'x9'}",
            "new Client({ password: 'x9' })",
        ),
        *(
            "password = hunter2",
            'password = "hunter2"',
            "REDISCLI_AUTH=x9",
            "https://bob:hunter2@host.test/x",
        ),
        *("redis://:hunter2@host.test:6379", "authorization: Basic Ym9iOmh1bnRlcjI=", "Cookie: session=a9"),
        *(
            "curl -H 'Authorization: Bearer abc123'",
            "curl -u bob:hunter2 https://a.test",
            "--password hunter2",
            "redis-cli -h host.test -a hunter2 PING",
            "valkey-cli --pass 'hunter2'",
        ),
        *("sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc", "rk_" + "test_4eC39HqLyjWDarjtT1zdp7dc"),
        *("xox" + "b-123456789012-1234567890123-AbCdEfGhIjKl", "npg_a1B2c3D4", "-----BEGIN PRIVATE KEY-----"),
        *("sk-" + "proj-a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4", "AIza" + "a1B2c3D4e5" * 3 + "a1B2c"),
        *(
            "glpat-" + "a1B2c3D4e5" * 2,
            "npm_" + "a1B2c3" * 6,
            "pypi-AgE" + "a1B2c3D4e5" * 2,
            "sbp_" + "a1b2" * 10,
        ),
        *('set PGPASSWORD "x"', "set -gx PGPASSWORD hunter2", "setx PGPASSWORD hunter2; psql"),
        *("set PGPASSWORD=hunter2", "$env:PGPASSWORD='x'", '$env:PGPASSWORD = "x"', "export PGPASSWORD=x"),
        *('os.environ.get("X_PASSWORD","hunter2")', "os.getenv('PGPASSWORD', 'x9')"),
        *('process.env.X_TOKEN ?? "hunter2"', "process.env['PGPASSWORD'] || 'x9'"),
        *("password: process.env.PGPASSWORD ?? 'hunter2'", 'os.environ.get("PGPASSWORD") or "hunter2"'),
        *("PASSWORD=${PGPASSWORD:-hunter2}", 'psql "${PGPASSWORD:=x9}"'),
        *("ALTER ROLE bob PASSWORD 'x9'", "password=abc$def9", "password=[redacted:1a2b3c] token=x9"),
    ],
)
def test_what_looks_like_a_secret_is_found_in_code_too(line: str) -> None:
    assert len(of(f"```\n{line}\n```\n")) == 1


@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL=postgresql://USER:PASSWORD@HOST:PORT/NAME python x.py",
        "UPSTASH_REDIS_REST_TOKEN=TOKEN python x.py",
        "postgresql://app:[redacted:1a2b3c]@localhost/app",
        "postgresql://[user:1a2b3c]:[redacted:1a2b3c]@[host:1a2b3c]-pooler.neon.tech/app",
        "connect to [ipv6:1a2b3c]:5432",
        "password authentication failed for user",
        *('password=os.environ["PGPASSWORD"],', "password=os.environ[...]", "token=$TOKEN", "token=${TOKEN}"),
        *("redis-cli -a $REDISCLI_AUTH", "redis-cli -a <password>", "redis-cli -p 6379 PING"),
        *(
            "password=<password>",
            "postgres://app:<password>@host.test/app",
            "postgres://app:${PW}@host.test/a",
        ),
        *(
            "password=process.env.PGPASSWORD",
            "password: process.env.PGPASSWORD,",
            "password=getpass.getpass()",
        ),
        *(
            'password=os.environ.get("PGPASSWORD", "")',
            "password=settings.password",
            "password=f'{password}'",
        ),
        *("Authorization: Bearer $TOKEN", "Authorization: Bearer <token>", 'PGPASSWORD="$PGPASSWORD" psql'),
        *(
            "password: ${{ secrets.PASSWORD }}",
            "password={{ password }}",
            "password=%(password)s",
            "password=%s",
        ),
        *("password: str", "password: None", "token: string", "password=...", "password=***", "password: []"),
        *(
            "sk_live_…",
            "xoxb-…",
            "npg_…",
            "ghp_<token>",
            "the sk-learn-and-everything-that-comes-with-it package",
        ),
        *('set PGPASSWORD "$1"', "set PGPASSWORD <password>", "set PGPASSWORD to what the console shows"),
        *("set -x PGPASSWORD $PASSWORD", "set password and user", "$env:PGPASSWORD=$password"),
        *('os.environ.get("PGPASSWORD", "")', 'os.environ.get("PGPASSWORD", "password")', 'get("token", "")'),
        *("process.env.PGPASSWORD ?? ''", "process.env.PGPASSWORD ?? undefined", "no password or 'user'"),
        *("process.env.PGPASSWORD || process.env.PW", "${PGPASSWORD:-}", "${PGPASSWORD:?not set}"),
        "password=${PGPASSWORD:-$PW}",
        *("password=your-password", "https://bob@host.test/x", "max_tokens=4096", 'if token == "a9":'),
        *(
            "invalid password: the server said no",
            "postgres://postgres:postgres@localhost/a",
            "password=password",
        ),
    ],
)
def test_what_stands_in_for_a_secret_is_none(line: str) -> None:
    assert of(f"```\n{line}\n```\n") == []


def test_no_file_of_the_examples_looks_as_if_it_held_a_secret() -> None:
    files = [each for each in EXAMPLES.rglob("*") if each.suffix not in {".png", ".svg"} and each.is_file()]
    told = {
        f"{each.name}:{number}": list(secret_signs.kinds(line))
        for each in files
        for number, line in enumerate(each.read_text().split("\n"), start=1)
    }
    assert len(files) > 20
    assert {place: kinds for place, kinds in told.items() if kinds} == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see @somebody\n", ["1 @somebody tells that account"]),
        ("a `b\n\n@somebody c` d\n", ["3 @somebody tells that account"]),
        ("as in #12\n", ["1 #12 becomes a link to a thread"]),
        ("as in GH-12, a/b#3\n", ["1 GH-12 becomes a link to a thread"]),
        ("see a/b#3\n", ["1 a/b#3 becomes a link to a thread"]),
        ("`#12`, &#12; https://a.test/b#3 c#d\n", []),
        ("- ```\n  @somebody TODO\n  ```\n", []),
        ("1.  a\n\n    ```\n    TODO\n    ```\n", []),
        ("a\n\n    TODO\n", []),
        ("a <!-- b\n", ["1 begins a comment that never ends"]),
        ("see `@vercel/postgres`, a@b.test\n", []),
        ("TODO: more\n", ["1 something is left to do"]),
        ("a `TODO` of theirs\n", []),
        ("then fill in the form\n", []),
        ("[fill in your version]\n", ["1 something is left to do"]),
        ("Please fill this in.\n", ["1 something is left to do"]),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f\u200d\U0001f525\n", []),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f\n", []),
        ("\u0645\u06cc\u200c\u062e\u0648\n", []),
        ("a\u200db\n", ["1 holds characters that nobody sees"]),
        ("\U000e0067\n", ["1 holds characters that nobody sees"]),
        ("a\u202eb\n", ["1 holds characters that nobody sees"]),
        ("```\n\x1b[31mred\n```\n", ["2 holds characters that nobody sees"]),
    ],
)
def test_words_that_do_something_are_found_outside_code(text: str, expected: list[str]) -> None:
    assert of(text) == expected


def test_a_mention_fails_nothing() -> None:
    (found,) = problems("see @somebody\n")
    assert not found.fails


@given(st.text(alphabet="`~ \n#<>!-@a*[]:\r", max_size=200))
def test_any_text_can_be_checked(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert all(1 <= each.line <= lines for each in problems(text))


@pytest.mark.parametrize(
    "text", ["", "\n\n", "## Steps to reproduce\n\nx\n", "* **asyncpg version**: `0.31`\n"]
)
def test_without_a_heading_for_it_the_sentence_comes_first(text: str) -> None:
    assert len(of(text)) == 1
    assert of(f"{WRITTEN}\n\n{text}") == []


def test_a_document_with_a_title_needs_no_sentence_before_it() -> None:
    assert of("# Which driver\n\n## Context\n\nOurs.\n") == []


def test_a_fence_right_below_raw_html_is_told() -> None:
    told = "begins or ends no block of code, since raw HTML stands right above it"
    text = "<details><summary>a</summary>\n```\n@somebody\n```\n</details>\n"
    assert of(text) == [f"2 {told}", "3 @somebody tells that account", f"4 {told}"]
    assert of(text.replace("</summary>\n", "</summary>\n\n")) == []


@pytest.fixture
def record(origin: Run) -> str:
    return deciding.signed(decision.render(origin.document, origin.events, picture="decision.svg"))


def test_a_decision_record_lacks_what_only_a_person_knows(record: str) -> None:
    assert [what.partition(" ")[2].partition(": ")[0] for what in of(record)] == [
        f"the place for {name} is not filled" for name in ("context", "choice", "consequences")
    ]


def test_without_its_marks_a_decision_record_is_still_not_written(record: str) -> None:
    found = of(re.sub("<!-- txrepro:.*-->", "", record))
    assert [what.partition(" ")[2] for what in found] == [
        f"nothing is written below “{title}”" for title in decision.ASKED.values()
    ]
    assert of(re.sub("<!-- txrepro:.*-->", WRITTEN, record)) == []


def test_without_its_headings_a_decision_record_is_not_written_either(record: str) -> None:
    found = of(re.sub("### .*|<!-- txrepro:.*-->", "", record))
    assert found == sorted(f"1 the heading “{title}” is gone" for title in decision.ASKED.values())


@pytest.mark.parametrize(
    "piece",
    ["![", "<a", "password=(", "a://b:", "password", "set -x ", "${TOKEN:-", "sk-", "-_", "\U0001f468\u200d"],
)
def test_no_text_takes_long(piece: str) -> None:
    """Quadratic it would take minutes, and be stopped by the suite's time limit."""
    problems(piece * (LIMIT // len(piece)))
