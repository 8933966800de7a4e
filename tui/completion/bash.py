"""Completion for bash 3.2 and later."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from tui.completion import Entry, Table


def script(table: Table) -> str:
    """The script: ``source <(llm-linalg completion bash)``."""
    return SCRIPT.format(
        commands=" ".join(entry.name for entry in table.entries if entry.name),
        slugs=" ".join(table.slugs),
        takes="\n".join(_takes(table)),
        flags="\n".join(f'        {_case(entry)}) flags="{_flags(entry)}" ;;' for entry in table.entries),
        words="\n".join(_words(table)),
        controls="\n".join(_controls(table)),
        values="\n".join(_values(table)),
    )


def _case(entry: Entry) -> str:
    return entry.name or '""'


def _flags(entry: Entry) -> str:
    return " ".join(name for flag in entry.flags for name in flag.names)


def _takes(table: Table) -> Iterator[str]:
    """What a flag takes, by command and flag; nothing is said of one that takes nothing."""
    for entry in table.entries:
        for flag in entry.flags:
            if flag.takes == "nothing":
                continue
            cases = "|".join(f'"{entry.name} {name}"' for name in flag.names)
            yield f'        {cases}) takes={flag.takes} values="{" ".join(flag.words)}" ;;'


def _words(table: Table) -> Iterator[str]:
    for entry in table.entries:
        words = [*entry.words, *(["$slugs"] if entry.lessons else [])]
        if not entry.name:
            words.append("$commands")
        yield f'        {_case(entry)}) values="{" ".join(words)}" files={int(entry.files)} ;;'


def _controls(table: Table) -> Iterator[str]:
    for slug, controls in table.controls.items():
        yield f'        {slug}) values="{" ".join(f"{name}=" for name in controls)}" ;;'


def _values(table: Table) -> Iterator[str]:
    for slug, controls in table.controls.items():
        for name, values in controls.items():
            if values:
                yield f"        {slug}.{name}) values={quote(' '.join(values))} ;;"


SCRIPT = """\
# Completion of llm-linalg for bash, made by: llm-linalg completion bash
_llm_linalg() {{
    local line cur last flag command="" lesson="" takes="" values="" flags="" files=0 word
    local -a words
    local commands="{commands}"
    local slugs="{slugs}"
    COMPREPLY=()
    line=${{COMP_LINE:0:COMP_POINT}}
    read -r -a words <<< "$line"
    case $line in
        *[[:space:]]) words+=("") ;;
    esac
    cur=${{words[${{#words[@]}}-1]}}
    last=${{words[${{#words[@]}}-2]}}
    if (( ${{#words[@]}} > 2 )); then
        case " $commands " in
            *" ${{words[1]}} "*) command=${{words[1]}} ;;
        esac
        for word in "${{words[@]:1:${{#words[@]}}-2}}"; do
            case " $slugs " in
                *" $word "*) lesson=$word; break ;;
            esac
        done
    fi
    flag=$last
    case $cur in
        --*=*) flag=${{cur%%=*}}; cur=${{cur#*=}} ;;
    esac
    case "$command $flag" in
{takes}
    esac
    case $takes in
        words) _llm_linalg_reply -W "$values" -- "$cur"; return ;;
        files) _llm_linalg_reply -f -- "$cur"; compopt -o filenames 2>/dev/null; return ;;
        anything) return ;;
        controls) _llm_linalg_controls "$lesson" "$cur"; return ;;
    esac
    case $cur in
        -*)
            case $command in
{flags}
            esac
            _llm_linalg_reply -W "$flags" -- "$cur"
            return ;;
    esac
    case $command in
{words}
    esac
    _llm_linalg_reply -W "$values" -- "$cur"
    if [[ $files == 1 ]]; then
        _llm_linalg_reply -f -- "$cur"
        compopt -o filenames 2>/dev/null
    fi
}}

# Adds what compgen finds, a line each: a value may be "*", and a file's name may have spaces.
_llm_linalg_reply() {{
    local found
    while IFS= read -r found; do
        COMPREPLY+=("$found")
    done < <(compgen "$@")
}}

# NAME=VALUE of a lesson's control; bash itself has put aside what stands before the "=".
_llm_linalg_controls() {{
    local values=""
    case $2 in
        *=*)
            case $1.${{2%%=*}} in
{values}
            esac
            _llm_linalg_reply -W "$values" -- "${{2#*=}}"
            return ;;
    esac
    case $1 in
{controls}
    esac
    _llm_linalg_reply -W "$values" -- "$2"
    compopt -o nospace 2>/dev/null
}}

complete -F _llm_linalg llm-linalg
"""
