"""Texts of others, made of what commands a terminal or acts in Markdown, HTML, CSV, YAML, INI or Terraform."""

from __future__ import annotations

from hypothesis import strategies as st

from strata import printing

PIECES = [
    *["\x1b]0;owned\x07", "\x1b[2J", "\x9b1m", "\x00", "\x7f", "\r", "\n", "\t", "\x85", "\u2028", " ", "  ", "words"],
    *["\u202egnp", "\u2066", "\u200b", "\ufeff", "\u3164", "\U000e0100", "e\u0301", "Zo\xeb", "\U0001f600", "\xa0"],
    *["|", "\\", "`", "```", "<b>", "<img src=x onerror=alert(1)>", "</script>", "<!--", "-->", "&lt;", "# ", "1. "],
    *["[a](javascript:x)", "![a](x)", "https://a.example", "www.a.example", "<https://a.example>", "a@b.example"],
    *["@octocat", "@org/team", "#1", "org/zone#1", "GH-1", "!1", "&1", '%"x"', "~bug", "$1", "$x$", "*a*"],
    *["=1+1", "+1", "-1", "@SUM(1)", ";=1", "\t=1", "'", '"', ",", "::error::x", "##[x]"],
    *["${a}", "%{a}", "[default]", "]", "2024-01-01", "%YAML", "---", "0x1f", "{", "~", "null", "1e3"],
    *[": ", " #", "- ", "? ", "*x", "&x", "!!int", "{{a}}"],
]
"""Without halves of surrogate pairs, which no answer of AWS and no file in UTF-8 has."""
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)


def seen(text: str) -> str:
    """Returns a text as a reader sees it in one line."""
    return printing.visible(" ".join(text.split()))
