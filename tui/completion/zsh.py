"""Completion for zsh."""

from __future__ import annotations

from collections.abc import Iterator

from tui.completion import Entry, Flag, Table, quoted


def script(table: Table) -> str:
    """The script: `_llm-linalg` in a folder of `$fpath`, or ``source <(llm-linalg completion zsh)``."""
    return SCRIPT.format(
        commands="\n".join(f"        '{entry.name}:{entry.says}'" for entry in table.entries if entry.name),
        names=" ".join(entry.name for entry in table.entries if entry.name),
        slugs="\n".join(f"        '{slug}:{_text(title)}'" for slug, title in table.slugs.items()),
        lessons=" ".join(table.slugs),
        takes="\n".join(_takes(table)),
        flags="\n".join(_flags(entry) for entry in table.entries),
        words="\n".join(_words(table)),
        controls="\n".join(_controls(table)),
        values="\n".join(_values(table)),
    )


def _text(text: str) -> str:
    return text.replace("'", "").replace(":", ",")


def _case(entry: Entry) -> str:
    return entry.name or "''"


def _described(flag: Flag) -> str:
    return " ".join(f"'{name}:{flag.says}'" for name in flag.names)


def _flags(entry: Entry) -> str:
    return f"                {_case(entry)}) flags=({' '.join(map(_described, entry.flags))}) ;;"


def _takes(table: Table) -> Iterator[str]:
    for entry in table.entries:
        for flag in entry.flags:
            if flag.takes != "nothing":
                cases = "|".join(f"'{entry.name} {name}'" for name in flag.names)
                yield f"        {cases}) takes={flag.takes}; values=({' '.join(flag.words)}) ;;"


def _words(table: Table) -> Iterator[str]:
    for entry in table.entries:
        does = [f"compadd -- {' '.join(entry.words)}"] if entry.words else []
        does += ["_describe -t commands command commands"] if not entry.name else []
        does += ["_describe -t lessons lesson slugs"] if entry.lessons else []
        does += ["_files"] if entry.files else []
        yield f"        {_case(entry)}) {'; '.join(does) or ':'} ;;"


def _controls(table: Table) -> Iterator[str]:
    for slug, controls in table.controls.items():
        yield f"        {slug}) values=({quoted(f'{name}=' for name in controls)}) ;;"


def _values(table: Table) -> Iterator[str]:
    for slug, controls in table.controls.items():
        for name, values in controls.items():
            if values:
                yield f"        {slug}.{name}) values=({quoted(values)}) ;;"


SCRIPT = """\
#compdef llm-linalg
# Completion of llm-linalg for zsh, made by: llm-linalg completion zsh
_llm_linalg() {{
    local cur=$words[CURRENT] command='' lesson='' flag='' takes='' word
    local -a names lessons values flags commands slugs
    names=({names})
    lessons=({lessons})
    commands=(
{commands}
    )
    slugs=(
{slugs}
    )
    (( CURRENT > 2 )) && command=${{names[(r)$words[2]]}}
    for word in ${{words[2,CURRENT-1]}}; do
        lesson=${{lessons[(r)$word]}}
        [[ -n $lesson ]] && break
    done
    flag=$words[CURRENT-1]
    if [[ $cur == --*=* ]]; then
        flag=${{cur%%=*}}
        cur=${{cur#*=}}
        compset -P '*='
    fi
    case "$command $flag" in
{takes}
    esac
    case $takes in
        words) compadd -- $values; return ;;
        files) _files; return ;;
        anything) return 1 ;;
        controls) _llm_linalg_controls; return ;;
    esac
    if [[ $cur == -* ]]; then
        case $command in
{flags}
        esac
        _describe -o -t options option flags
        return
    fi
    case $command in
{words}
    esac
}}

# NAME=VALUE of a lesson's control.
_llm_linalg_controls() {{
    values=()
    if [[ $cur == *=* ]]; then
        case $lesson.${{cur%%=*}} in
{values}
        esac
        compset -P '*='
        compadd -- $values
        return
    fi
    case $lesson in
{controls}
    esac
    compadd -S '' -- $values
}}

if [[ $funcstack[1] == _llm_linalg ]]; then
    _llm_linalg "$@"
else
    compdef _llm_linalg llm-linalg
fi
"""
